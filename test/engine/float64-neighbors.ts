import type { Layer } from "../../src/contract/vgg19-layers.ts";
import { gridAt, offsetAt } from "../../workers/engine/losses/sample-grid.ts";
import { shrunk } from "./float64-losses.ts";
import type { Map64, Picture } from "./float64-reference.ts";

type Rows = number[][];

/** The feature maps of a picture, by layer: those of the hypercolumns. */
export type Maps = Map<Layer, Map64>;

export interface StyledRegion {
  styles: { maps: Maps; visible?: Picture | undefined; weight: number }[];
  /** Everywhere if left out. */
  where?: Picture | undefined;
  weight: number;
}

/** Gradients with respect to the maps, by layer. */
type Gradients = Map<Layer, Float64Array>;

const blockOf = (layer: Layer) => Number(layer["block".length]) - 1;
const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
const norm = (a: readonly number[]) => Math.sqrt(dot(a, a));

/** How much of each of a map's positions a position of the grid has, with a position for every 4 × 4 pixels. */
function resampling({ height, width }: Map64, block: number): { to: number; from: number; share: number }[] {
  const along = (edge: number): [number, number, number][] => {
    if (block < 3) {
      const factor = 4 / 2 ** block;
      const ends = Math.floor(edge / factor) * factor;
      return Array.from({ length: ends }, (_, from) => [Math.floor(from / factor), from, 1 / factor]);
    }
    return Array.from({ length: edge * 2 }, (_, to): [number, number, number][] => {
      const at = Math.max(0, (to + 0.5) / 2 - 0.5);
      const below = Math.min(edge - 1, Math.floor(at));
      const above = Math.min(edge - 1, below + 1);
      return [
        [to, below, 1 - (at - below)],
        [to, above, at - below],
      ];
    }).flat();
  };
  const columns = block < 3 ? Math.floor(width / (4 / 2 ** block)) : width * 2;
  return along(height).flatMap(([row, y, down]) =>
    along(width).map(([column, x, across]) => ({
      ...{ to: row * columns + column, from: y * width + x, share: down * across },
    })),
  );
}

function gridRows(map: Map64, block: number): Rows {
  const shares = resampling(map, block);
  const rows: Rows = [];
  for (const { to, from, share } of shares) {
    rows[to] ??= new Array<number>(map.channels).fill(0);
    const row = rows[to] as number[];
    for (let c = 0; c < map.channels; c += 1) {
      row[c] = (row[c] as number) + (share * (map.data[from * map.channels + c] as number)) / map.channels;
    }
  }
  return rows;
}

function hypercolumns(maps: Maps): Rows {
  const all = [...maps].map(([layer, map]) => gridRows(map, blockOf(layer)));
  return (all[0] as Rows).map((_, p) => all.flatMap((rows) => rows[p] as number[]));
}

/** Each row minus the rows' mean by their shares, divided by its norm. */
function centredUnit(rows: Rows, shares?: readonly number[]): { unit: Rows; norms: number[] } {
  const mean = (rows[0] as number[]).map((_, c) =>
    rows.reduce(
      (sum, row, p) =>
        sum + (shares === undefined ? 1 / rows.length : (shares[p] as number)) * (row[c] as number),
      0,
    ),
  );
  const centred = rows.map((row) => row.map((x, c) => x - (mean[c] as number)));
  const norms = centred.map(norm);
  return { unit: centred.map((row, p) => row.map((x) => x / (norms[p] as number))), norms };
}

/** The largest cosine plus price, the price by Sinkhorn's iterations with temperature 0.3 on at most 1,024 rows. */
function balanced(
  cosines: Rows,
  iterations: number,
  supplied: readonly number[],
  shares?: readonly number[],
): number[] {
  const styles = (cosines[0] as number[]).length;
  const count = Math.min(cosines.length, 1024);
  const sampled = Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * cosines.length) / count));
  const marginal =
    shares === undefined ? sampled.map(() => 1 / count) : portion(sampled.map((p) => shares[p] as number));
  const kernel = sampled.map((p) => (cosines[p] as number[]).map((x) => Math.exp((x - 1) / 0.3)));
  let scaling = new Array<number>(styles).fill(1);
  for (let i = 0; i < iterations; i += 1) {
    const demand = kernel.map((row, p) => (marginal[p] as number) / dot(row, scaling));
    scaling = scaling.map(
      (_, s) =>
        (supplied[s] as number) /
        kernel.reduce((sum, row, p) => sum + (row[s] as number) * (demand[p] as number), 0),
    );
  }
  return cosines.map((row) => {
    const values = row.map((x, s) => x + 0.3 * Math.log(scaling[s] as number));
    return values.indexOf(Math.max(...values));
  });
}

const portion = (weights: ArrayLike<number>) => {
  const all = Array.from(weights);
  const whole = all.reduce((sum, x) => sum + x, 0);
  return all.map((x) => x / whole);
};

/** The visible rows of a style. */
const seen = (rows: Rows, shares: ArrayLike<number> | undefined) =>
  rows.filter((_, p) => shares === undefined || (shares[p] as number) >= 0.5);

/** What each row counts: those of a style share its weight. */
const supplyOf = (styles: readonly { weight: number }[], each: readonly Rows[]) =>
  portion(
    each.flatMap((rows, index) => rows.map(() => (styles[index] as { weight: number }).weight / rows.length)),
  );

/** mean(W − ⟨x, T⟩ / ‖x‖), the targets by the hypercolumns of `matched`. */
export function neighborLoss(
  maps: Maps,
  matched: Maps,
  regions: StyledRegion[],
): { loss: number; gradients: Gradients } {
  const columns = hypercolumns(maps);
  const { unit: query } = centredUnit(hypercolumns(matched));
  const targets = columns.map((row) => row.map(() => 0));
  let total = 0;
  for (const { styles, where, weight } of regions) {
    const each = styles.map(({ maps: own, visible }) =>
      seen(hypercolumns(own), visible && shrunk(visible, 2)),
    );
    const rows = each.flat();
    const unit = each.flatMap((own) => centredUnit(own).unit);
    const counts = where && shrunk(where, 2);
    const cosines = query.map((row) => unit.map((other) => dot(row, other)));
    for (const [p, s] of balanced(cosines, 6, supplyOf(styles, each), counts && portion(counts)).entries()) {
      const share = weight * (counts === undefined ? 1 : (counts[p] as number));
      const chosen = rows[s] as number[];
      total += share;
      for (const [c, x] of chosen.entries()) {
        (targets[p] as number[])[c] = ((targets[p] as number[])[c] as number) + (share * x) / norm(chosen);
      }
    }
  }
  let loss = total;
  const slopes = columns.map((x, p) => {
    const target = targets[p] as number[];
    const [length, along] = [norm(x), dot(x, target)];
    loss -= along / length;
    return x.map(
      (value, c) => -((target[c] as number) / length - (along * value) / length ** 3) / columns.length,
    );
  });
  const gradients: Gradients = new Map();
  let first = 0;
  for (const [layer, map] of maps) {
    const gradient = new Float64Array(map.data.length);
    for (const { to, from, share } of resampling(map, blockOf(layer))) {
      for (let c = 0; c < map.channels; c += 1) {
        const i = from * map.channels + c;
        gradient[i] =
          (gradient[i] as number) + (share * ((slopes[to] as number[])[first + c] as number)) / map.channels;
      }
    }
    gradients.set(layer, gradient);
    first += map.channels;
  }
  return { loss: loss / columns.length, gradients };
}

/** Each layer by itself against its own matches, on a grid of positions, and 0.3 of the other way. */
export function detailLoss(
  maps: Maps,
  regions: StyledRegion[],
  seed: number,
  step: number,
): { loss: number; gradients: Gradients } {
  const gradients: Gradients = new Map();
  let loss = 0;
  for (const [layer, map] of maps) {
    const gradient = new Float64Array(map.data.length);
    const picked = positionsOf(map, layer, offsetAt(seed, step, layer));
    const rows = picked.map((p) => rowAt(map, p));
    for (const { styles, where, weight } of regions) {
      const each = styles.map(({ maps: own, visible }) => {
        const styleMap = own.get(layer) as Map64;
        const samples = [-1, -2, -3, -4].map((index) =>
          positionsOf(styleMap, layer, offsetAt(seed, index, layer)),
        );
        const isWhole = (samples[0] as number[]).length === styleMap.height * styleMap.width;
        const sample = samples[isWhole ? 0 : step % 4] as number[];
        const shares = visible && shrunk(visible, blockOf(layer));
        return centredUnit(
          seen(
            sample.map((p) => rowAt(styleMap, p)),
            shares && sample.map((p) => shares[p] as number),
          ),
        ).unit;
      });
      const mask = where && shrunk(where, blockOf(layer));
      const counts = mask && picked.map((p) => mask[p] as number);
      const own64 = compare(rows, each.flat(), supplyOf(styles, each), weight, counts);
      loss += own64.loss;
      for (const [index, p] of picked.entries()) {
        for (let c = 0; c < map.channels; c += 1) {
          const i = p * map.channels + c;
          gradient[i] = (gradient[i] as number) + ((own64.slopes[index] as number[])[c] as number);
        }
      }
    }
    gradients.set(layer, gradient);
  }
  return { loss, gradients };
}

function compare(
  rows: Rows,
  style: Rows,
  supply: readonly number[],
  weight: number,
  counts: number[] | undefined,
) {
  const shares = counts && portion(counts);
  const { unit, norms } = centredUnit(rows, shares);
  const cosines = unit.map((row) => style.map((other) => dot(row, other)));
  const match = balanced(cosines, 4, supply, shares);
  const most = counts && Math.max(...counts);
  const isInside = (p: number) => counts === undefined || (counts[p] as number) >= 0.5 * (most as number);
  const nearest = style.map((_, s) => {
    const values = cosines.map((row, p) => (isInside(p) ? (row[s] as number) : -9));
    return values.indexOf(Math.max(...values));
  });
  const area = counts === undefined ? 1 : counts.reduce((sum, x) => sum + x, 0) / counts.length;
  let loss = 0;
  const slopes = unit.map((row) => row.map(() => 0));
  const pull = (p: number, s: number, share: number) => {
    loss += share * (1 - ((cosines[p] as number[])[s] as number));
    for (const [c, x] of (style[s] as number[]).entries()) {
      (slopes[p] as number[])[c] = ((slopes[p] as number[])[c] as number) - share * x;
    }
  };
  for (const [p, s] of match.entries()) pull(p, s, (weight * (counts?.[p] ?? 1)) / rows.length);
  for (const [s, p] of nearest.entries()) pull(p, s, weight * area * 0.3 * (supply[s] as number));
  // Through the norm, then through the mean.
  const ofCentred = slopes.map((slope, p) => {
    const along = dot(slope, unit[p] as number[]);
    return slope.map((x, c) => (x - along * ((unit[p] as number[])[c] as number)) / (norms[p] as number));
  });
  const total = (ofCentred[0] as number[]).map((_, c) =>
    ofCentred.reduce((sum, row) => sum + (row[c] as number), 0),
  );
  return {
    loss,
    slopes: ofCentred.map((row, p) =>
      row.map((x, c) => x - (shares?.[p] ?? 1 / rows.length) * (total[c] as number)),
    ),
  };
}

function positionsOf({ height, width }: Map64, layer: Layer, offset: readonly [number, number]): number[] {
  const edge = 2 ** blockOf(layer);
  const { stride, top, left } = gridAt({ width: width * edge, height: height * edge }, layer, offset);
  const positions: number[] = [];
  for (let y = top; y < height; y += stride)
    for (let x = left; x < width; x += stride) positions.push(y * width + x);
  return positions;
}

const rowAt = ({ channels, data }: Map64, p: number) =>
  Array.from(data.subarray(p * channels, (p + 1) * channels));
