import { describe, expect, it } from "@jest/globals";
import { countChoices } from "../../../bench/judge/count.ts";
import { hashKey, shuffleSheets } from "../../../bench/judge/key.ts";
import { PAIRS, pairName, selectPairs } from "../../../bench/judge/pairs.ts";

const KEY = {
  salt: "",
  sheets: {
    "01": { pair: "a__x", methods: { A: "new", B: "old" } },
    "02": { pair: "b__x", methods: { A: "old", B: "new" } },
    "03": { pair: "c__x", methods: { A: "old", B: "new" } },
  },
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
    const [first, second] = countChoices(KEY, "01 A>B\n02 A=B\n# a remark\n\n03 A>B\n03 B>A");
    expect(first).toMatchObject({ wins: 2, ties: 1, losses: 1, share: 0.625, method: "new", lost: ["c__x"] });
    expect(second).toMatchObject({ method: "old", share: 0.375 });
  });

  it.each(["01 A", "01 A>C", "01 A>A", "04 A>B"])(
    "rejects a choice that does not rank a sheet: %s",
    (line) => {
      expect(() => countChoices(KEY, line)).toThrow(`received "${line}"`);
    },
  );

  it("gives each sheet all methods in an order of its own, behind a hash that tells nothing", () => {
    const names = Array.from({ length: 40 }, (_, index) => `pair-${index}`);
    const sheets = Object.values(shuffleSheets(names, ["one", "two", "three"], false).sheets);
    expect(sheets.map(({ pair }) => pair).toSorted()).toEqual(names.toSorted());
    for (const { methods } of sheets) {
      expect(Object.keys(methods)).toEqual(["A", "B", "C"]);
      expect(Object.values(methods).toSorted()).toEqual(["one", "three", "two"]);
    }
    expect(new Set(sheets.map(({ methods }) => methods.A)).size).toBe(3);
    const hashes = [0, 1].map(() => hashKey(JSON.stringify(shuffleSheets(["a"], ["one"], false))));
    expect(hashes[0]).not.toBe(hashes[1]);
  });

  it("compares the first method with each other one if sheets are pairwise", () => {
    const sheets = Object.values(shuffleSheets(["a", "b"], ["new", "old", "peer"], true).sheets);
    const compared = sheets.map(({ pair, methods }) =>
      [pair, ...Object.values(methods).toSorted()].join(" "),
    );
    expect(compared.toSorted()).toEqual(["a new old", "a new peer", "b new old", "b new peer"]);
  });
});
