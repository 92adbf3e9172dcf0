import { BlockList, isIP, isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";

/**
 * Networks that are not somebody else's public server: IANA's special-purpose registries (RFC 6890 and its
 * updates), multicast and reserved space.
 */
const SPECIAL_IPV4 = [
  "0.0.0.0/8", // this network; 0.0.0.0 reaches the machine itself
  "10.0.0.0/8",
  "100.64.0.0/10", // carriers' address translation, and some clouds' metadata
  "127.0.0.0/8",
  "169.254.0.0/16", // link-local, where clouds serve their metadata
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

/** Inside 2000::/3, the only IPv6 space that is global unicast. */
const SPECIAL_IPV6 = [
  "2001::/23", // Teredo and other protocols' own, which may carry an IPv4 address
  "2001:db8::/32",
  "2002::/16", // 6to4 carries an IPv4 address
  "2620:4f:8000::/48",
  "3fff::/20",
];

const specialIPv4 = networks(SPECIAL_IPV4);
const specialIPv6 = networks(SPECIAL_IPV6);
const globalIPv6 = networks(["2000::/3"]);

/** Networks in CIDR form. Throws where one is not. */
export function networks(list: readonly string[]): BlockList {
  const found = new BlockList();
  for (const text of list) {
    const [address = "", length = ""] = text.split("/");
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    found.addSubnet(address, Number(length), family);
  }
  return found;
}

/** Whether an IP address in its textual form is one of a public server. IPv4 inside IPv6 never is. */
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

/**
 * Whether an address is one of this machine's. A public one too leads past the firewall, to what the machine keeps for
 * itself.
 */
export function isOwnAddress(address: string): boolean {
  const own = new BlockList();
  for (const { address: one, family } of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
    own.addAddress(one, family === "IPv6" ? "ipv6" : "ipv4");
  }
  return isInside(own, address);
}

/** Whether an address lies in networks that were allowed by name. */
export function isInside(allowed: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && allowed.check(address, version === 4 ? "ipv4" : "ipv6");
}
