import { type LookupAddress, lookup } from "node:dns";
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isInside, isOwnAddress, isPublicAddress, networks } from "./public-address.ts";

/** What may be reached, and how names become addresses. */
export interface Guard {
  allows: (address: string) => boolean;
  resolve: (name: string, callback: (error: Error | null, addresses: LookupAddress[]) => void) => void;
}

export const PUBLIC_ONLY: Guard = {
  allows: (address) => isPublicAddress(address) && !isOwnAddress(address),
  resolve: (name, callback) => lookup(name, { all: true, verbatim: true }, callback),
};

/** Public addresses, and those of networks that whoever runs the service allows by name. */
export function guardOf(allowedNetworks: readonly string[]): Guard {
  const allowed = networks(allowedNetworks);
  return { ...PUBLIC_ONLY, allows: (address) => PUBLIC_ONLY.allows(address) || isInside(allowed, address) };
}

/** The URL, or the address behind its name, is none that a stranger may have fetched. */
export class ForbiddenUrlError extends Error {
  override readonly name = "ForbiddenUrlError";
}

/** Parses what a stranger calls a URL: http or https, without credentials. Throws a `ForbiddenUrlError`. */
export function parsePublicUrl(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base?.href) : null;
  if (!url) throw new ForbiddenUrlError("something that is no URL");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ForbiddenUrlError(`a URL of the scheme ${url.protocol.slice(0, 20)}`);
  }
  if (url.username !== "" || url.password !== "") throw new ForbiddenUrlError("a URL with credentials");
  return url;
}

/**
 * Sends a request and gives the answer, redirects unfollowed. The address is checked where the connection is
 * made, on the very addresses that it may be made to: a name that resolves differently the next time gains
 * nothing. Rejects with a `ForbiddenUrlError`, or with what the network says.
 */
export function guardedRequest(
  url: URL,
  guard: Guard,
  options: Pick<RequestOptions, "method" | "headers" | "signal">,
  body?: string,
): Promise<IncomingMessage> {
  // No name is looked up for an address.
  if (isForbiddenAddress(url, guard)) return Promise.reject(forbiddenAddress());
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(url, { ...options, agent: false, lookup: guardedLookup(guard) }, resolve);
    request.on("error", reject);
    request.end(body);
  });
}

/** Parses what a stranger calls a URL, and checks its address where it names one. Throws a `ForbiddenUrlError`. */
export function allowedUrl(text: string, guard: Guard): URL {
  const url = parsePublicUrl(text);
  if (isForbiddenAddress(url, guard)) throw forbiddenAddress();
  return url;
}

/** URL has already turned 2130706433 and 0x7f.1 into 127.0.0.1. */
function isForbiddenAddress(url: URL, guard: Guard): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return isIP(host) !== 0 && !guard.allows(host);
}

function guardedLookup(guard: Guard): LookupFunction {
  return (name, options, callback) => {
    guard.resolve(name, (error, addresses) => {
      if (error) return callback(error, "");
      // All of them: the connection may fall back to any.
      if (addresses.length === 0 || !addresses.every(({ address }) => guard.allows(address))) {
        return callback(forbiddenAddress(), "");
      }
      const [first] = addresses;
      if (options.all) return callback(null, addresses);
      return callback(null, first?.address ?? "", first?.family);
    });
  };
}

/** Which address it is stays untold: names inside a network are no stranger's business. */
function forbiddenAddress(): ForbiddenUrlError {
  return new ForbiddenUrlError("one that leads to an address that is not public");
}
