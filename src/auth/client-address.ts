import { isIP, isIPv6 } from "node:net";

/** The IP address in an entry of `X-Forwarded-For`: some proxies append a port, and dual-stack sockets map IPv4 into IPv6. */
export function toIpAddress(text: string): string {
  const [, bracketed] = /^\[([^\]]*)\](?::\d+)?$/.exec(text.trim()) ?? [];
  const address = (bracketed ?? text.trim()).replace(/%.*$/, "");
  const withoutPort = isIP(address) === 0 ? address.replace(/:\d+$/, "") : address;
  if (!isIPv6(withoutPort)) return withoutPort;
  const canonical = new URL(`http://[${withoutPort}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(canonical);
  if (!mapped) return canonical;
  const [high, low] = [Number.parseInt(mapped[1] ?? "", 16), Number.parseInt(mapped[2] ?? "", 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/**
 * What a client without a key is counted by: its IPv4 address, or the first 64 bits of its IPv6 address, of which each
 * customer has at least as many addresses.
 */
export function clientNetwork(text: string): string {
  const address = toIpAddress(text);
  // An entry that is no address could be anything: all clients with such entries are counted together.
  if (isIP(address) === 0) return "unknown";
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const first = head.split(":").filter((group) => group !== "");
  const last = (tail ?? "").split(":").filter((group) => group !== "");
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => "0");
  return `${[...first, ...zeros, ...last].slice(0, 4).join(":")}::/64`;
}
