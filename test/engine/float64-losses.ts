import type { Map64, Picture, ReferenceOptions } from "./float64-reference.ts";

/** A mask at the resolution of a block: the mean over the 2^block × 2^block pixels that a position stands for. */
export function shrunk({ height, width, data }: Picture, block: number): Float64Array {
  const edge = 2 ** block;
  const [rows, columns] = [Math.floor(height / edge), Math.floor(width / edge)];
  return Float64Array.from({ length: rows * columns }, (_, position) => {
    const [top, left] = [Math.floor(position / columns) * edge, (position % columns) * edge];
    let sum = 0;
    for (let y = top; y < top + edge; y += 1) {
      for (let x = left; x < left + edge; x += 1) {
        sum += data[y * width + x] as number;
      }
    }
    return sum / edge ** 2;
  });
}

export function addContent(
  map: Map64,
  target: Map64,
  weight: number,
  formula: string,
  gradient: Float64Array,
  weights?: Float64Array,
): number {
  const w = (i: number) => (weights === undefined ? 1 : (weights[Math.floor(i / map.channels)] as number));
  const share = weights === undefined ? 1 : sum(weights) / weights.length;
  const norm = target.data.reduce((total, value, i) => total + w(i) * value * value, 0);
  const factor =
    formula === "gatys" ? weight / (4 * map.height * map.width * map.channels) : (weight * share) / norm;
  let loss = 0;
  for (let i = 0; i < map.data.length; i += 1) {
    const difference = (map.data[i] as number) - (target.data[i] as number);
    loss += w(i) * difference * difference;
    gradient[i] = (gradient[i] as number) + 2 * factor * w(i) * difference;
  }
  return factor * loss;
}

/**
 * How much each position counts in each window: along an edge of n windows there are n + 1 equal tiles, of which a window
 * has two, and shares those that are not at the picture's edge.
 */
export function windowMasks({ height, width }: Map64, count: number): Float64Array[] {
  const along = (edge: number): Float64Array[] => {
    const asked = Math.round((count * edge) / Math.max(height, width));
    const windows = Math.max(1, Math.min(asked, edge - 1));
    const tiles = windows + 1;
    return Array.from({ length: windows }, (_, window) =>
      Float64Array.from({ length: edge }, (_, position) => {
        if (windows === 1) return 1;
        let tile = 0;
        while (position >= Math.round(((tile + 1) * edge) / tiles)) tile += 1;
        if (tile < window || tile > window + 1) return 0;
        return tile > 0 && tile < windows ? 0.5 : 1;
      }),
    );
  };
  return along(height).flatMap((rows) =>
    along(width).map((columns) =>
      Float64Array.from(
        { length: height * width },
        (_, p) => (rows[Math.floor(p / width)] as number) * (columns[p % width] as number),
      ),
    ),
  );
}

interface WeightedMap {
  map: Map64;
  weights: Float64Array | undefined;
  weight: number;
}

/** One layer's style loss in one region, by the chain rule from each position to the statistics and from there on. */
export function addStyle(
  map: Map64,
  styles: WeightedMap[],
  layerWeight: number,
  { loss: formula, style_distance }: Pick<ReferenceOptions, "loss" | "style_distance">,
  gradient: Float64Array,
  where?: Float64Array,
): number {
  const { channels } = map;
  const own = statistics(map, where);
  const all = styles.map((style) => ({ ...statistics(style.map, style.weights), weight: style.weight }));
  const whole = all.reduce((total, { weight }) => total + weight, 0);
  const blended = (pick: (one: (typeof all)[number]) => Float64Array) =>
    pick(all[0] as (typeof all)[number]).map((_, i) =>
      all.reduce((total, one) => total + (one.weight / whole) * (pick(one)[i] as number), 0),
    );
  const [gram, mean] = [blended((one) => one.gram), blended((one) => one.mean)];
  const centred = style_distance === "moments";
  const covariance = (g: Float64Array, m: Float64Array) =>
    g.map((value, i) =>
      centred ? value - (m[Math.floor(i / channels)] as number) * (m[i % channels] as number) : value,
    );
  const target = covariance(gram, mean);
  const difference = covariance(own.gram, own.mean).map((value, i) => value - (target[i] as number));
  const shift = own.mean.map((value, i) => (centred ? value - (mean[i] as number) : 0));
  const share = where === undefined ? 1 : sum(where) / where.length;
  const weight = layerWeight * share;
  const factor =
    formula === "gatys"
      ? weight / (4 * channels ** 2)
      : weight / Math.max(squares(target), 1e-3 * squares(gram));
  const meanFactor = formula === "gatys" ? factor * squares(mean) : weight / squares(mean);
  for (let p = 0; p < map.height * map.width; p += 1) {
    const w = where === undefined ? 1 : (where[p] as number);
    for (let i = 0; i < channels; i += 1) {
      let slope = 2 * meanFactor * (shift[i] as number);
      for (let j = 0; j < channels; j += 1) {
        const deviation = (map.data[p * channels + j] as number) - (centred ? (own.mean[j] as number) : 0);
        slope += 4 * factor * (difference[j * channels + i] as number) * deviation;
      }
      gradient[p * channels + i] = (gradient[p * channels + i] as number) + (w * slope) / own.weight;
    }
  }
  return factor * squares(difference) + meanFactor * squares(shift);
}

function statistics({ height, width, channels, data }: Map64, weights?: Float64Array) {
  const gram = new Float64Array(channels * channels);
  const mean = new Float64Array(channels);
  const weight = weights === undefined ? height * width : sum(weights);
  for (let p = 0; p < height * width; p += 1) {
    const share = (weights === undefined ? 1 : (weights[p] as number)) / weight;
    for (let i = 0; i < channels; i += 1) {
      const value = share * (data[p * channels + i] as number);
      mean[i] = (mean[i] as number) + value;
      for (let j = 0; j < channels; j += 1) {
        gram[i * channels + j] =
          (gram[i * channels + j] as number) + value * (data[p * channels + j] as number);
      }
    }
  }
  return { gram, mean, weight };
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
const squares = (values: Float64Array) => values.reduce((total, value) => total + value * value, 0);

export function addTotalVariation(
  { height, width, data }: Picture,
  weight: number,
  gradient: Float64Array,
): number {
  const factor = weight / (height * width * 3);
  let sum = 0;
  const compare = (a: number, b: number) => {
    const difference = (data[b] as number) - (data[a] as number);
    sum += difference * difference;
    gradient[a] = (gradient[a] as number) - 2 * factor * difference;
    gradient[b] = (gradient[b] as number) + 2 * factor * difference;
  };
  for (let i = 0; i < height * width * 3; i += 1) {
    const column = Math.floor(i / 3) % width;
    if (column + 1 < width) {
      compare(i, i + 3);
    }
    if (i + width * 3 < height * width * 3) {
      compare(i, i + width * 3);
    }
  }
  return factor * sum;
}
