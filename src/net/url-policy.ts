import { type LookupAddress, lookup } from "node:dns";
import { isIP } from "node:net";
import { ProblemError } from "../contract/problems.ts";
import { contains, isLocalAddress, isPublicAddress, parseNetworks } from "./public-address.ts";

/** Which addresses a client's URL may lead to, and how a host name becomes addresses. */
export interface UrlPolicy {
  allows: (address: string) => boolean;
  resolve: (name: string, callback: (error: Error | null, addresses: LookupAddress[]) => void) => void;
}

/** Allows public addresses that are not this machine's own, and addresses in `allowedNetworks` (CIDR). */
export function createUrlPolicy(allowedNetworks: readonly string[] = []): UrlPolicy {
  const allowed = parseNetworks(allowedNetworks);
  return {
    allows: (address) => (isPublicAddress(address) && !isLocalAddress(address)) || contains(allowed, address),
    resolve: (name, callback) => lookup(name, { all: true, verbatim: true }, callback),
  };
}

/** The policy does not allow the URL, or an address that its host resolves to. The message says what was received. */
export class UrlNotAllowedError extends Error {
  override readonly name = "UrlNotAllowedError";

  /** The message does not name the address: clients must not learn how names resolve inside a private network. */
  static forAddress(): UrlNotAllowedError {
    return new UrlNotAllowedError("a URL that leads to a non-public address");
  }
}

/** Parses an http or https URL without credentials. Throws a `UrlNotAllowedError`. */
export function parseHttpUrl(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base?.href) : null;
  if (!url) throw new UrlNotAllowedError("an invalid URL");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new UrlNotAllowedError(`a URL with the scheme ${url.protocol.slice(0, 20)}`);
  }
  if (url.username !== "" || url.password !== "") throw new UrlNotAllowedError("a URL with credentials");
  return url;
}

/** Throws a `UrlNotAllowedError` if the host is an IP address that the policy does not allow. Does not resolve names. */
export function checkHost(url: URL, policy: UrlPolicy): void {
  // URL has already turned 2130706433 and 0x7f.1 into 127.0.0.1.
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && !policy.allows(host)) throw UrlNotAllowedError.forAddress();
}

/** Checks a client's URL without resolving its host. Throws a `ProblemError` for `field`: `url_not_allowed`. */
export function checkUrl(text: string, field: string, policy: UrlPolicy): void {
  try {
    checkHost(parseHttpUrl(text), policy);
  } catch (error) {
    throw error instanceof UrlNotAllowedError ? urlNotAllowed(field, error) : error;
  }
}

export function urlNotAllowed(field: string, { message }: UrlNotAllowedError): ProblemError {
  const expected = "an http or https URL without credentials, at a public address";
  return ProblemError.forField("url_not_allowed", field, expected, message);
}
