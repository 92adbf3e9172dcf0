import { isIPv6 } from "node:net";

/** Where a service that listens at this host and port is to be found from this machine. */
export function serviceUrl(host: string, port: number): string {
  if (["0.0.0.0", "::", "127.0.0.1"].includes(host)) return `http://localhost:${port}`;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
