import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { VERSION } from "../version.ts";
import { checkHost, UrlNotAllowedError, type UrlPolicy } from "./url-policy.ts";

/** Names the project and its version: some servers reject requests without, and their logs tell who called. */
const USER_AGENT = `nst/${VERSION}`;

/**
 * Sends a request to a client's URL; does not follow redirects. The policy checks the addresses that the connection is
 * made to, so a name that resolves differently the second time gains nothing. Rejects with a `UrlNotAllowedError` or
 * the network's error.
 */
export async function sendRequest(
  url: URL,
  policy: UrlPolicy,
  options: { method: string; headers: Record<string, string>; signal: AbortSignal },
  body?: string,
): Promise<IncomingMessage> {
  // Node calls `lookup` for names only, not for IP addresses.
  checkHost(url, policy);
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return await new Promise((resolve, reject) => {
    const headers = { "user-agent": USER_AGENT, ...options.headers };
    const request = send(
      url,
      { ...options, headers, agent: false, lookup: lookupWithPolicy(policy) },
      resolve,
    );
    request.on("error", reject);
    request.end(body);
  });
}

function lookupWithPolicy(policy: UrlPolicy): LookupFunction {
  return (name, options, callback) => {
    policy.resolve(name, (error, addresses) => {
      if (error) return callback(error, "");
      // Every address must be allowed: the connection may fall back to any of them.
      if (addresses.length === 0 || !addresses.every(({ address }) => policy.allows(address))) {
        return callback(UrlNotAllowedError.forAddress(), "");
      }
      const [first] = addresses;
      if (options.all) return callback(null, addresses);
      return callback(null, first?.address ?? "", first?.family);
    });
  };
}
