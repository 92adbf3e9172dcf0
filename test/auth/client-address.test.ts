import { describe, expect, it } from "@jest/globals";
import { clientNetwork, toIpAddress } from "../../src/auth/client-address.ts";

describe("A client's address", () => {
  it.each([
    ["203.0.113.9", "203.0.113.9"],
    ["203.0.113.9:50123", "203.0.113.9"],
    ["::ffff:203.0.113.9", "203.0.113.9"],
    ["[::ffff:cb00:7109]:443", "203.0.113.9"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
  ])("%s is %s", (text, address) => {
    expect(toIpAddress(text)).toBe(address);
  });

  it.each([
    ["203.0.113.9:1", "203.0.113.9:2"],
    ["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"],
    ["[2001:db8::1]:99", "2001:db8:0:0:1::"],
    ["::ffff:203.0.113.9", "203.0.113.9"],
    ["unknown", "_hidden"],
  ])("%s counts as the same client as %s", (one, other) => {
    expect(clientNetwork(one)).toBe(clientNetwork(other));
  });

  it.each([
    ["203.0.113.9", "203.0.113.10"],
    ["2001:db8:1:2::1", "2001:db8:1:3::1"],
  ])("%s counts as another client than %s", (one, other) => {
    expect(clientNetwork(one)).not.toBe(clientNetwork(other));
  });
});
