import type { Options } from "../../../src/contract/options.ts";
import type { Kernels } from "../network/kernels.ts";
import { ofEachTile, oneTile, type Tiling } from "../network/tiles.ts";
import { type Tensor3D, type Tensor4D, tf } from "../tensorflow.ts";

/** What a layer's feature map is like in each of its windows; A is the window unrolled, `[positions, n_C]`. */
export interface StyleStatistics {
  /** Gram matrices AᵀWA / ΣW, `[windows, n_C, n_C]`; W is each position's weight, 1 where there is no guidance. */
  gram: Tensor3D;
  /** Means 1ᵀWA / ΣW, `[windows, 1, n_C]`, where the style distance looks at them. */
  mean: Tensor3D | undefined;
  /** ΣW of each window: the number of its positions where there is no guidance. */
  weights: number[];
}

/** Where no position counts the statistics are zeros, not 0 / 0. */
const NOTHING = 1e-6;

/** The statistics of a feature map that comes in rows: AᵀWA and 1ᵀWA add up over rows, and over a window's tiles. */
export class StatisticsAccumulator {
  readonly #distance: Options["style_distance"];
  readonly #kernels: Kernels;
  /** By tile, `[tiles, n_C, n_C]`, `[tiles, 1, n_C]` and a number. */
  #products: Tensor3D | undefined;
  #sums: Tensor3D | undefined;
  #weights: number[] = [];

  constructor(distance: Options["style_distance"], kernels: Kernels) {
    this.#distance = distance;
    this.#kernels = kernels;
  }

  /** @param weights how much each position counts, `[1, rows, columns, 1]` */
  add(features: Tensor4D, weights?: Tensor4D, tiling = oneTile(features.shape)): void {
    const products = tf.tidy(() =>
      // AᵀWA = (√W·A)ᵀ(√W·A): a product with itself is symmetric, and half the work.
      this.#kernels.gramMatrices(weights === undefined ? features : tf.mul(features, weights.sqrt()), tiling),
    );
    this.#products = plus(this.#products, products);
    if (this.#distance === "moments") {
      const weighted = weights === undefined ? features.clone() : tf.mul<Tensor4D>(features, weights);
      this.#sums = plus(this.#sums, sumsByTile(weighted, tiling));
      weighted.dispose();
    }
    const counts = weightsByTile(tiling, weights);
    this.#weights = counts.map((count, tile) => count + (this.#weights[tile] ?? 0));
  }

  /** Instead of finish(), or after it. */
  dispose(): void {
    tf.dispose([this.#products, this.#sums].filter((tensor) => tensor !== undefined));
  }

  /**
   * The tensors are the caller's to dispose of; nothing can be added after.
   *
   * @param shares how much of each tile a window has, `[windows][tiles]`
   */
  finish(shares: readonly number[][] = [[1]]): StyleStatistics {
    const weights = shares.map((row) =>
      Math.max(
        NOTHING,
        row.reduce((sum, share, tile) => sum + share * (this.#weights[tile] ?? 0), 0),
      ),
    );
    const mixing = shares.map((row, window) => row.map((share) => share / (weights[window] as number)));
    const gram = tf.keep(mix(mixing, this.#products as Tensor3D));
    const mean = this.#sums && tf.keep(mix(mixing, this.#sums));
    this.dispose();
    return { gram, mean, weights };
  }
}

function sumsByTile(features: Tensor4D, tiling: Tiling): Tensor3D {
  const [, , , channels] = features.shape;
  const sums = ofEachTile(features, tiling, [1, channels], (piece) => piece.sum([1, 2]));
  return sums as Tensor3D;
}

/** How much the positions of each tile count in all. */
function weightsByTile(tiling: Tiling, weights: Tensor4D | undefined): number[] {
  if (weights !== undefined) {
    return tf.tidy(() => [...sumsByTile(weights, tiling).dataSync()]);
  }
  const counts = new Array<number>(tiling.tiles).fill(0);
  for (const { tile, height, width } of tiling.rows.flat()) counts[tile] = height * width;
  return counts;
}

/** Σ_j factors[i][j] · matrices[j]: `[j, rows, columns]` → `[i, rows, columns]`. */
export function mix(factors: readonly number[][], matrices: Tensor3D): Tensor3D {
  const [count, rows, columns] = matrices.shape;
  return tf.tidy(() =>
    tf
      .matMul(tf.tensor2d(factors as number[][]), matrices.reshape([count, rows * columns]))
      .reshape([factors.length, rows, columns]),
  );
}

/** The mean of some statistics by their weights, which do not sum up to 0; disposes of them. */
export function blend(all: readonly StyleStatistics[], weights: readonly number[]): StyleStatistics {
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = (tensors: readonly Tensor3D[]) =>
    tf.keep(
      tf.tidy(() => tf.addN(tensors.map((tensor, index) => tensor.mul((weights[index] ?? 0) / whole)))),
    ) as Tensor3D;
  const means = all.map((statistics) => statistics.mean).filter((one) => one !== undefined);
  const blended = {
    gram: mean(all.map(({ gram }) => gram)),
    mean: means.length === 0 ? undefined : mean(means),
    weights: [1],
  };
  disposeOf(...all);
  return blended;
}

export function disposeOf(...all: readonly StyleStatistics[]): void {
  tf.dispose(all.flatMap(({ gram, mean }) => (mean === undefined ? [gram] : [gram, mean])));
}

/** a + b, disposing of both; kept. */
function plus(a: Tensor3D | undefined, b: Tensor3D): Tensor3D {
  const sum = tf.keep(a === undefined ? b.clone() : tf.add<Tensor3D>(a, b));
  tf.dispose(a === undefined ? [b] : [a, b]);
  return sum;
}
