import { describe, expect, it } from "@jest/globals";
import { inGroups, type PassShape } from "../../workers/engine/together.ts";

const small: PassShape = {
  ...{ kernels: "avx2", width: 96, height: 128, isInStrips: false },
  ...{ pooling: "max", deepest: "block5_conv1" },
};

/** The names of those that are evaluated together, where each is `small` but for what is said. */
function groupsOf(runs: Record<string, Partial<PassShape> | undefined>): string {
  const all = Object.entries(runs).map(([name, more]) => ({ name, shape: more && { ...small, ...more } }));
  return inGroups(all)
    .map((group) => group.map(({ name }) => name).join(""))
    .join(" ");
}

describe("inGroups()", () => {
  it("puts those of one size and way together, in their order", () => {
    const tall = { width: 128, height: 96 };
    expect(groupsOf({ a: {}, b: tall, c: {}, d: { pooling: "average" }, e: tall, f: {} })).toBe("acf be d");
    expect(groupsOf({ a: {}, b: { deepest: "block4_conv1" }, c: { deepest: undefined }, d: {} })).toBe(
      "ad b c",
    );
  });

  it("puts no more than four together", () => {
    expect(groupsOf({ a: {}, b: {}, c: {}, d: {}, e: {}, f: {} })).toBe("abcd ef");
  });

  it("leaves alone what is large, is cut into strips, rounds otherwise in company, or has no step left", () => {
    const large = { width: 129, height: 128 };
    expect(groupsOf({ a: large, b: large, c: { width: 128 }, d: { width: 128 } })).toBe("a b cd");
    expect(groupsOf({ a: { isInStrips: true }, b: { isInStrips: true } })).toBe("a b");
    expect(groupsOf({ a: { kernels: "stock" }, b: { kernels: "stock" } })).toBe("a b");
    expect(groupsOf({ a: undefined, b: undefined, c: {}, d: undefined, e: {} })).toBe("a b ce d");
  });
});
