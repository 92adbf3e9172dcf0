import { describe, expect, it } from "@jest/globals";
import { StyleWindows } from "../../workers/engine/objective/style-windows.ts";

/** How often each position of `rows` is in a piece, and how much it counts in each window. */
function positionsOf(windows: StyleWindows, width: number, first: number, count: number) {
  const shares = Array.from({ length: count * width }, (): number[] => []);
  const { rows } = windows.tiling(first, count);
  for (const { tile, top, height, left, width: columns } of rows.flat()) {
    for (let y = top; y < top + height; y += 1) {
      for (let x = left; x < left + columns; x += 1) {
        for (const window of windows.shares) shares[y * width + x]?.push(window[tile] as number);
      }
    }
  }
  return shares;
}

describe("StyleWindows", () => {
  it.each([
    [1, 1, 8],
    [2, 3, 3],
    [21, 32, 3],
    [40, 9, 5],
    [86, 128, 8],
  ])("over %i × %i positions, %i of them: every position counts once in all", (height, width, count) => {
    const windows = new StyleWindows({ height, width }, count);
    const all = positionsOf(windows, width, 0, height);
    const once = all.filter(
      (shares) =>
        shares.length === windows.shares.length && shares.reduce((sum, share) => sum + share, 0) === 1,
    );
    expect(once.length).toBe(height * width);
  });

  it("are as many along the longer edge as asked for, and square", () => {
    const counts = (height: number, width: number) => new StyleWindows({ height, width }, 3).shares.length;
    expect(counts(300, 300)).toBe(9);
    expect(counts(200, 300)).toBe(6);
    expect(counts(300, 100)).toBe(3);
    expect(counts(30, 300)).toBe(3);
  });

  it("reach half-way over their neighbours", () => {
    const { shares } = new StyleWindows({ height: 1, width: 300 }, 3);
    expect(shares).toEqual([
      [1, 0.5, 0, 0],
      [0, 0.5, 0.5, 0],
      [0, 0, 0.5, 1],
    ]);
  });

  it("are fewer where the map has too few positions, and one is all of it", () => {
    expect(new StyleWindows({ height: 1, width: 3 }, 8).shares.length).toBe(2);
    expect(new StyleWindows({ height: 1, width: 1 }, 8).shares).toEqual([[1]]);
    expect(new StyleWindows({ height: 90, width: 70 }, 1).shares).toEqual([[1]]);
  });

  it("are the same row by row, whatever rows are looked at", () => {
    const [height, width] = [23, 30];
    const windows = new StyleWindows({ height, width }, 4);
    const whole = positionsOf(windows, width, 0, height);
    for (const [first, count] of [
      [0, 5],
      [5, 11],
      [16, 7],
    ] as const) {
      expect(positionsOf(windows, width, first, count)).toEqual(
        whole.slice(first * width, (first + count) * width),
      );
    }
  });
});
