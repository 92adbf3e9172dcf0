import { isIPv4 } from "node:net";
import type { FastifyRequest } from "fastify";
import type { Config } from "../config.ts";
import { ProblemError } from "../contract/problems.ts";

/** Whether requests without a key are taken, and why: a line for the log. */
export function openMode({ openMode: mode, host }: Pick<Config, "openMode" | "host">): {
  open: boolean;
  why: string;
} {
  if (mode === "always") {
    return {
      open: true,
      why: "open to everybody who can reach this address, without a key (OPEN_MODE=always)",
    };
  }
  if (mode === "never") return { open: false, why: "a key is needed (OPEN_MODE=never)" };
  return isLoopback(host)
    ? { open: true, why: `open without a key, on this machine only (${host} is loopback)` }
    : { open: false, why: `a key is needed (${host} is not loopback; see OPEN_MODE)` };
}

/** Whether only whoever uses this machine is served, without a key. */
export function isLocal(config: Pick<Config, "openMode" | "host">): boolean {
  return config.openMode === "loopback" && openMode(config).open;
}

/** Headers by which a proxy says that a request came from elsewhere. */
const FORWARDED = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/**
 * Refuses what comes to an open service although its owner did not mean to send it: a browser brings requests of
 * whatever page is open in it (a form that posts here; a name that was made to lead to 127.0.0.1), and a proxy
 * on this machine brings those of strangers.
 */
export function refuseUninvited(
  request: FastifyRequest,
  { openMode: mode, corsOrigins }: Pick<Config, "openMode" | "corsOrigins">,
): void {
  const { origin, host = "" } = request.headers;
  if (mode === "loopback") {
    const forwarded = FORWARDED.find((name) => request.headers[name] !== undefined);
    if (forwarded) {
      throw new ProblemError(
        "unauthorized",
        `Expected a key, or a request from this machine; received one with ${forwarded}, from behind a proxy`,
      );
    }
    if (!isLoopback(hostName(host))) {
      throw ProblemError.forField(
        "forbidden",
        "host",
        "a name of this machine, such as localhost",
        host.slice(0, 80),
      );
    }
  }
  if (request.method === "GET" || request.method === "HEAD") return;
  const elsewhere = origin !== undefined && originHost(origin) !== host && !corsOrigins.includes(origin);
  if (elsewhere) {
    throw ProblemError.forField(
      "forbidden",
      "origin",
      "the service's own page, or a key",
      origin.slice(0, 80),
    );
  }
}

function originHost(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, "");
}

/** Whether a host's name or address, as it stands in a setting or a URL, is this machine's own. */
function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "").toLowerCase();
  if (name === "localhost" || name.endsWith(".localhost") || name === "::1") return true;
  return isIPv4(name) && name.startsWith("127.");
}
