import type { IncomingHttpHeaders } from "node:http";
import { isIPv4 } from "node:net";
import type { Config } from "../config.ts";
import { ProblemError } from "../contract/problems.ts";

/** Whether requests without an API key are accepted, and the reason, for the log. */
export function openMode({ openMode: mode, host }: Pick<Config, "openMode" | "host">): {
  isOpen: boolean;
  reason: string;
} {
  if (mode === "always") {
    return { isOpen: true, reason: "accepting requests without an API key from anyone (OPEN_MODE=always)" };
  }
  if (mode === "never") return { isOpen: false, reason: "requiring an API key (OPEN_MODE=never)" };
  return isLoopback(host)
    ? { isOpen: true, reason: `accepting requests without an API key from this machine (HOST=${host})` }
    : { isOpen: false, reason: `requiring an API key: HOST=${host} is not loopback (see OPEN_MODE)` };
}

/** Whether only clients on this machine are served, without an API key. */
export function isLocalOnly(config: Pick<Config, "openMode" | "host">): boolean {
  return config.openMode === "loopback" && openMode(config).isOpen;
}

/** Headers with which a proxy forwards the client's address. */
const FORWARDED_HEADERS = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/**
 * Rejects requests that reach an open service without its owner's intent: from a web page of another site (CSRF, DNS
 * rebinding), or through a proxy on this machine. Throws a `ProblemError`.
 */
export function checkOpenRequest(
  { method, headers }: { method: string; headers: IncomingHttpHeaders },
  { openMode: mode, corsOrigins }: Pick<Config, "openMode" | "corsOrigins">,
): void {
  const { origin, host = "" } = headers;
  if (mode === "loopback") {
    const forwarded = FORWARDED_HEADERS.find((name) => headers[name] !== undefined);
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

/** Whether a host name or address, from a setting or a URL, is this machine's loopback. */
function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "").toLowerCase();
  if (name === "localhost" || name.endsWith(".localhost") || name === "::1") return true;
  return isIPv4(name) && name.startsWith("127.");
}
