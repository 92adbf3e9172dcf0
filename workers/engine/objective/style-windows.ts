import type { Size } from "../../../src/pictures/picture-size.ts";
import type { Tiling } from "../network/tiles.ts";

/**
 * The windows of a feature map, in each of which its statistics are to be like the style's: `count` of them along its
 * longer edge, and along the other as many as keep them square. By one window, the whole map, a picture is the best with
 * the style in one part of it and none in another.
 *
 * Each window reaches half-way over its neighbours. They are made of tiles: a tile that two windows share counts half in
 * each, so that every position counts once in all.
 */
export class StyleWindows {
  /** How much of each tile a window has, `[windows][tiles]`. */
  readonly shares: number[][];
  readonly #rows: number[];
  readonly #columns: number[];

  /** @param map the feature map's size, in positions */
  constructor({ width, height }: Size, count: number) {
    const along = (edge: number) => Math.round((count * edge) / Math.max(width, height));
    const [rows, columns] = [windowsAlong(height, along(height)), windowsAlong(width, along(width))];
    this.#rows = rows.cuts;
    this.#columns = columns.cuts;
    this.shares = rows.shares.flatMap((down) =>
      columns.shares.map((across) => down.flatMap((share) => across.map((other) => share * other))),
    );
  }

  /** `count` rows of the map from `firstRow` on. */
  tiling(firstRow: number, count: number): Tiling {
    const [down, across] = [intervals(this.#rows), intervals(this.#columns)];
    const rows = down.flatMap(([first, last], row) => {
      const [top, bottom] = [Math.max(first - firstRow, 0), Math.min(last - firstRow, count)];
      const pieces = across.map(([left, right], column) => ({
        tile: row * across.length + column,
        ...{ top, height: bottom - top, left, width: right - left },
      }));
      return top < bottom ? [pieces] : [];
    });
    return { tiles: down.length * across.length, rows };
  }
}

/** Windows along an edge, at least one and none of less than two positions: where their tiles begin and end, and their shares of them. */
function windowsAlong(edge: number, count: number): { cuts: number[]; shares: number[][] } {
  const windows = Math.max(1, Math.min(count, edge - 1));
  if (windows === 1) return { cuts: [0, edge], shares: [[1]] };
  const tiles = windows + 1;
  const isOutermost = (tile: number) => tile === 0 || tile === windows;
  return {
    cuts: Array.from({ length: tiles + 1 }, (_, index) => Math.round((index * edge) / tiles)),
    shares: Array.from({ length: windows }, (_, window) =>
      Array.from({ length: tiles }, (_, tile) =>
        tile !== window && tile !== window + 1 ? 0 : isOutermost(tile) ? 1 : 0.5,
      ),
    ),
  };
}

function intervals(cuts: readonly number[]): [number, number][] {
  return cuts.slice(1).map((end, index) => [cuts[index] as number, end]);
}
