import { BlockList, isIP, isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";

/** Networks without public servers: IANA's special-purpose registries (RFC 6890), multicast and reserved space. */
const SPECIAL_IPV4 = [
  "0.0.0.0/8", // this network; 0.0.0.0 reaches the machine itself
  "10.0.0.0/8",
  "100.64.0.0/10", // carrier-grade NAT; some clouds serve their metadata here
  "127.0.0.0/8",
  "169.254.0.0/16", // link-local; clouds serve their metadata here
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, and broadcast
];

/** Exceptions inside 2000::/3, the only global unicast space of IPv6. */
const SPECIAL_IPV6 = [
  "2001::/23", // Teredo and other protocols; may carry an IPv4 address
  "2001:db8::/32",
  "2002::/16", // 6to4 carries an IPv4 address
  "2620:4f:8000::/48",
  "3fff::/20",
];

const specialIPv4 = parseNetworks(SPECIAL_IPV4);
const specialIPv6 = parseNetworks(SPECIAL_IPV6);
const globalIPv6 = parseNetworks(["2000::/3"]);

/** Parses networks in CIDR notation. Throws if one is invalid. */
export function parseNetworks(list: readonly string[]): BlockList {
  const found = new BlockList();
  for (const text of list) {
    const [address = "", length = ""] = text.split("/");
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    found.addSubnet(address, Number(length), family);
  }
  return found;
}

/** Whether a textual IP address can belong to a public server. IPv4 addresses inside IPv6 cannot. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !specialIPv4.check(address, "ipv4");
    case 6:
      return (
        !address.includes("%") && globalIPv6.check(address, "ipv6") && !specialIPv6.check(address, "ipv6")
      );
    default:
      return false;
  }
}

/** Whether this machine has the address. Even a public one of these leads behind the firewall. */
export function isLocalAddress(address: string): boolean {
  const own = new BlockList();
  for (const { address: one, family } of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
    own.addAddress(one, family === "IPv6" ? "ipv6" : "ipv4");
  }
  return contains(own, address);
}

/** Whether one of the networks contains the address. */
export function contains(networks: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && networks.check(address, version === 4 ? "ipv4" : "ipv6");
}
