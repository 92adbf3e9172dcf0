import type { Map64, Picture } from "./float64-reference.ts";

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
  isRelative: boolean,
  gradient: Float64Array,
  weights?: Float64Array,
): number {
  const w = (i: number) => (weights === undefined ? 1 : (weights[Math.floor(i / map.channels)] as number));
  const share = weights === undefined ? 1 : sum(weights) / weights.length;
  const norm = target.data.reduce((total, value, i) => total + w(i) * value * value, 0);
  const factor = isRelative ? (weight * share) / norm : weight / (4 * map.height * map.width * map.channels);
  let loss = 0;
  for (let i = 0; i < map.data.length; i += 1) {
    const difference = (map.data[i] as number) - (target.data[i] as number);
    loss += w(i) * difference * difference;
    gradient[i] = (gradient[i] as number) + 2 * factor * w(i) * difference;
  }
  return factor * loss;
}

export interface WeightedMap {
  map: Map64;
  weights: Float64Array | undefined;
  weight: number;
}

/** One layer's Gram loss in one region, by the chain rule from each position to the matrix and from there on. */
export function addGram(
  map: Map64,
  styles: WeightedMap[],
  layerWeight: number,
  isRelative: boolean,
  gradient: Float64Array,
  where?: Float64Array,
): number {
  const { channels } = map;
  const own = gramOf(map, where);
  const whole = styles.reduce((total, { weight }) => total + weight, 0);
  const target = new Float64Array(channels ** 2);
  for (const style of styles) {
    const { gram } = gramOf(style.map, style.weights);
    for (const [i, value] of gram.entries()) {
      target[i] = (target[i] as number) + (style.weight / whole) * value;
    }
  }
  const difference = own.gram.map((value, i) => value - (target[i] as number));
  const share = where === undefined ? 1 : sum(where) / where.length;
  const weight = layerWeight * share;
  const factor = isRelative ? weight / squares(target) : weight / (4 * channels ** 2);
  for (let p = 0; p < map.height * map.width; p += 1) {
    const w = where === undefined ? 1 : (where[p] as number);
    for (let i = 0; i < channels; i += 1) {
      let slope = 0;
      for (let j = 0; j < channels; j += 1) {
        slope +=
          4 * factor * (difference[j * channels + i] as number) * (map.data[p * channels + j] as number);
      }
      gradient[p * channels + i] = (gradient[p * channels + i] as number) + (w * slope) / own.weight;
    }
  }
  return factor * squares(difference);
}

function gramOf({ height, width, channels, data }: Map64, weights?: Float64Array) {
  const gram = new Float64Array(channels * channels);
  const weight = weights === undefined ? height * width : sum(weights);
  for (let p = 0; p < height * width; p += 1) {
    const share = (weights === undefined ? 1 : (weights[p] as number)) / weight;
    for (let i = 0; i < channels; i += 1) {
      const value = share * (data[p * channels + i] as number);
      for (let j = 0; j < channels; j += 1) {
        gram[i * channels + j] =
          (gram[i * channels + j] as number) + value * (data[p * channels + j] as number);
      }
    }
  }
  return { gram, weight };
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
const squares = (values: Float64Array) => values.reduce((total, value) => total + value * value, 0);

/** 20 · mean of the squares of what is out of [0, 1]. */
export function addRange({ data }: Picture, gradient: Float64Array): number {
  let total = 0;
  for (const [i, value] of Array.from(data).entries()) {
    const outside = value - Math.min(1, Math.max(0, value));
    total += (20 * outside ** 2) / data.length;
    gradient[i] = (gradient[i] as number) + (40 * outside) / data.length;
  }
  return total;
}

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
