import { describe, expect, it } from "@jest/globals";
import { contentSize, fitsContent, smallestContentEdge, styleSize } from "../../src/pictures/picture-size.ts";

describe("Picture sizes", () => {
  it("have exactly the requested longest edge for a content of any shape", () => {
    for (const [width, height] of [
      [3, 2],
      [1, 1],
      [1000, 999],
      [17, 4000],
      [7680, 4320],
    ] as const) {
      for (const edge of [32, 33, 100, 511, 4096]) {
        const size = contentSize({ width, height }, edge);
        expect(Math.max(size.width, size.height)).toBe(edge);
        const exact = (edge * Math.min(width, height)) / Math.max(width, height);
        expect(Math.abs(Math.min(size.width, size.height) - Math.max(1, exact))).toBeLessThanOrEqual(0.5);
      }
    }
  });

  it("include the smallest edge at which a content fits", () => {
    for (const picture of [
      { width: 3, height: 2 },
      { width: 1, height: 1 },
      { width: 17, height: 4000 },
      { width: 640, height: 33 },
    ]) {
      const edge = smallestContentEdge(picture);
      expect(fitsContent(picture, edge)).toBe(true);
      expect(fitsContent(picture, edge - 1)).toBe(false);
    }
  });

  it("are never enlarged for a style", () => {
    expect(styleSize({ width: 100, height: 50 }, 4096)).toEqual({ width: 100, height: 50 });
    expect(styleSize({ width: 20, height: 16 }, 32)).toEqual({ width: 20, height: 16 });
  });
});
