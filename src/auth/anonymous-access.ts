import type { IncomingHttpHeaders } from "node:http";
import { isIP, isIPv4 } from "node:net";
import type { Config } from "../config.ts";
import { ProblemError } from "../contract/problems.ts";
import { toIpAddress } from "./client-address.ts";

/** Whether requests without an API key are accepted, and the reason, for the log. */
export function decideAnonymousAccess({
  anonymousAccess: mode,
  host,
}: Pick<Config, "anonymousAccess" | "host">): {
  isAllowed: boolean;
  reason: string;
} {
  if (mode === "always") {
    return {
      isAllowed: true,
      reason: "accepting requests without an API key from anyone (ANONYMOUS_ACCESS=always)",
    };
  }
  if (mode === "never") return { isAllowed: false, reason: "requiring an API key (ANONYMOUS_ACCESS=never)" };
  return isLoopback(host)
    ? { isAllowed: true, reason: `accepting requests without an API key from this machine (HOST=${host})` }
    : {
        isAllowed: false,
        reason: `requiring an API key: HOST=${host} is not loopback (see ANONYMOUS_ACCESS)`,
      };
}

/** Whether only clients on this machine are served, without an API key. */
export function servesLocalClientsOnly(config: Pick<Config, "anonymousAccess" | "host">): boolean {
  return config.anonymousAccess === "loopback" && decideAnonymousAccess(config).isAllowed;
}

/** Headers that proxies, load balancers, tunnels and content delivery networks add to what they forward. */
const PROXY_HEADERS =
  /^(via|forwarded|cdn-loop|x-forwarded(-.*)?|x-original-.*|x-(envoy|azure|amz|amzn|appengine|arr|vercel|akamai|nf)-.*|(cf|fly|fastly|tailscale|true-client|ngrok)-.*|.*-client-?ip|.*real-?ip|.*remote-(ip|addr))$/;

/**
 * Rejects requests that reach a service without keys although its user did not send them: from a web page of another site (CSRF, DNS
 * rebinding), or through a proxy on this machine. Throws a `ProblemError`.
 */
export function checkAnonymousRequest(
  { method, headers }: { method: string; headers: IncomingHttpHeaders },
  { anonymousAccess: mode, corsOrigins }: Pick<Config, "anonymousAccess" | "corsOrigins">,
): void {
  const { origin, host = "" } = headers;
  if (mode === "loopback") {
    const forwarded = Object.entries(headers).find(([name, value]) => isFromProxy(name, String(value)))?.[0];
    if (forwarded) {
      const detail = `Expected an API key or a request from this machine, received a forwarded request (${forwarded})`;
      throw new ProblemError("unauthorized", detail);
    }
    if (!isLoopback(host.replace(/:\d+$/, ""))) {
      const expected = "a loopback name such as localhost";
      throw ProblemError.forField("forbidden", "host", expected, host.slice(0, 80));
    }
  }
  if (method === "GET" || method === "HEAD" || origin === undefined) return;
  const originHost = URL.canParse(origin) ? new URL(origin).host : null;
  if (originHost !== host && !corsOrigins.includes(origin)) {
    const expected = "the service's own origin, or an API key";
    throw ProblemError.forField("forbidden", "origin", expected, origin.slice(0, 80));
  }
}

/** Whether only a proxy sends such a header: by its name, or because its value is the address of another machine. */
function isFromProxy(name: string, value: string): boolean {
  if (PROXY_HEADERS.test(name)) return true;
  const addresses = value.split(",").map(toIpAddress);
  return name !== "host" && addresses.some((address) => isIP(address) !== 0 && !isLoopback(address));
}

/** Whether a host name or address, from a setting or a URL, is this machine's loopback. */
function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "").toLowerCase();
  if (name === "localhost" || name.endsWith(".localhost") || name === "::1") return true;
  return isIPv4(name) && name.startsWith("127.");
}
