import { describe, expect, it } from "@jest/globals";
import { countChoices } from "../../../bench/judge/count.ts";
import { hashKey, shuffleMethods } from "../../../bench/judge/key.ts";
import { PAIRS, pairName, selectPairs } from "../../../bench/judge/pairs.ts";

const KEY = {
  salt: "",
  pairs: { a__x: { A: "new", B: "old" }, b__x: { A: "old", B: "new" }, c__x: { A: "old", B: "new" } },
};

describe("The judge", () => {
  it("has 48 pairs, half to choose defaults by, and eight marked ones with every content", () => {
    expect(PAIRS.filter(({ use }) => use === "choose")).toHaveLength(24);
    expect(PAIRS.filter(({ use }) => use === "judge")).toHaveLength(24);
    const marked = selectPairs("marked");
    expect(marked.map(pairName)).toContain("kodak_houses__starry_night");
    expect(marked.every(({ use }) => use === "judge")).toBe(true);
    expect(new Set(marked.map(({ content }) => content)).size).toBe(8);
    expect(() => selectPairs("chelsea__nothing")).toThrow('Unknown pair "chelsea__nothing"');
  });

  it("counts a tie as half a win for either method, and names the pairs that were lost", () => {
    const [first, second] = countChoices(KEY, "a__x A>B\nb__x A=B\n# a remark\n\nc__x A>B\nc__x B>A");
    expect(first).toMatchObject({ wins: 2, ties: 1, losses: 1, share: 0.625, method: "new", lost: ["c__x"] });
    expect(second).toMatchObject({ method: "old", share: 0.375 });
  });

  it.each(["a__x A", "a__x A>C", "a__x A>A", "z__x A>B"])(
    "rejects a choice that does not rank a sheet: %s",
    (line) => {
      expect(() => countChoices(KEY, line)).toThrow(`received "${line}"`);
    },
  );

  it("gives each pair all methods in an order of its own, behind a hash that tells nothing", () => {
    const names = Array.from({ length: 40 }, (_, index) => `pair-${index}`);
    const key = shuffleMethods(names, ["one", "two", "three"]);
    for (const name of names) {
      expect(Object.keys(key.pairs[name] ?? {})).toEqual(["A", "B", "C"]);
      expect(Object.values(key.pairs[name] ?? {}).sort()).toEqual(["one", "three", "two"]);
    }
    expect(new Set(names.map((name) => key.pairs[name]?.A)).size).toBe(3);
    const hashes = [0, 1].map(() => hashKey(JSON.stringify(shuffleMethods(["a"], ["one"]))));
    expect(hashes[0]).not.toBe(hashes[1]);
  });
});
