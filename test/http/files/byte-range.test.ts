import { describe, expect, it } from "@jest/globals";
import { parseByteRange } from "../../../src/http/files/byte-range.ts";

describe("parseByteRange for 100 bytes", () => {
  it.each([
    ["bytes=0-0", { start: 0, end: 0 }],
    ["bytes=10-19", { start: 10, end: 19 }],
    ["bytes=90-", { start: 90, end: 99 }],
    ["bytes=90-1000", { start: 90, end: 99 }],
    ["bytes=-10", { start: 90, end: 99 }],
    ["bytes=-1000", { start: 0, end: 99 }],
    ["bytes=100-", "unsatisfiable"],
    ["bytes=100-200", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=20-10", null],
    ["bytes=-", null],
    ["bytes=a-b", null],
    ["bytes=0-1,5-6", null],
    ["items=0-1", null],
    [undefined, null],
  ])("returns for %s %j", (header, expected) => {
    expect(parseByteRange(header, 100)).toEqual(expected);
  });

  it("returns unsatisfiable for an empty file", () => {
    expect(parseByteRange("bytes=0-", 0)).toBe("unsatisfiable");
  });
});
