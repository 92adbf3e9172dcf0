import { networkInterfaces } from "node:os";
import { describe, expect, it } from "@jest/globals";
import { contains, isLocalAddress, isPublicAddress, parseNetworks } from "../../src/net/public-address.ts";

describe("An address is not public", () => {
  it.each([
    ["0.0.0.0", "this machine"],
    ["0.1.2.3", "this network"],
    ["10.0.0.1", "private"],
    ["10.255.255.255", "private"],
    ["100.64.0.1", "carrier-grade NAT"],
    ["100.100.100.200", "a cloud's metadata"],
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["169.254.169.254", "clouds' metadata"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.0.0.192", "a cloud's metadata"],
    ["192.0.2.1", "documentation"],
    ["192.168.1.1", "private"],
    ["198.18.0.1", "benchmarks"],
    ["198.51.100.7", "documentation"],
    ["203.0.113.9", "documentation"],
    ["224.0.0.1", "multicast"],
    ["239.255.255.250", "multicast"],
    ["240.0.0.1", "reserved"],
    ["255.255.255.255", "broadcast"],
    ["::", "this machine"],
    ["::1", "loopback"],
    ["::127.0.0.1", "IPv4 in IPv6, compatible"],
    ["::ffff:127.0.0.1", "IPv4 in IPv6, mapped"],
    ["::ffff:7f00:1", "IPv4 in IPv6, mapped, in hexadecimal"],
    ["::ffff:8.8.8.8", "IPv4 in IPv6, mapped, although public"],
    ["::ffff:0:127.0.0.1", "IPv4 in IPv6, translated"],
    ["64:ff9b::7f00:1", "IPv4 in IPv6, NAT64"],
    ["64:ff9b:1::a00:1", "IPv4 in IPv6, local NAT64"],
    ["2002:7f00:1::", "IPv4 in IPv6, 6to4"],
    ["2001:0:7f00:1::", "IPv4 in IPv6, Teredo"],
    ["2001:db8::1", "documentation"],
    ["3fff::1", "documentation"],
    ["100::1", "discard"],
    ["fc00::1", "unique local"],
    ["fd00:ec2::254", "a cloud's metadata"],
    ["fe80::1", "link-local"],
    ["fe80::1%eth0", "link-local with a zone"],
    ["fec0::1", "site-local"],
    ["ff02::1", "multicast"],
    ["localhost", "a name"],
    ["2130706433", "a number"],
    ["", "nothing"],
  ])("when it is %s: %s", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe("An address is public", () => {
  it.each([
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "223.255.255.255",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001:800::200e",
  ])("when it is %s", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe("isLocalAddress", () => {
  it("returns true for this machine's addresses only, in every notation", () => {
    const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    expect(all.length).toBeGreaterThan(0);
    for (const { address } of all) expect(isLocalAddress(address)).toBe(true);
    expect(isLocalAddress("0:0:0:0:0:0:0:1")).toBe(all.some(({ address }) => address === "::1"));
    expect(isLocalAddress("8.8.8.8")).toBe(false);
    expect(isLocalAddress("2001:4860:4860::8888")).toBe(false);
  });
});

describe("Allowed networks", () => {
  it("contain their addresses and no others", () => {
    const allowed = parseNetworks(["10.1.0.0/16", "fd00:1::/32"]);
    expect(contains(allowed, "10.1.2.3")).toBe(true);
    expect(contains(allowed, "10.2.0.0")).toBe(false);
    expect(contains(allowed, "fd00:1::5")).toBe(true);
    expect(contains(allowed, "fd00:2::5")).toBe(false);
    expect(contains(allowed, "intranet")).toBe(false);
  });
});
