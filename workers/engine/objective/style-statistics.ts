import type { Options } from "../../../src/contract/options.ts";
import type { Kernels } from "../network/kernels.ts";
import { type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";

/** What a layer's feature map is like, wherever its positions are; A is the map unrolled, `[n_H·n_W, n_C]`. */
export interface StyleStatistics {
  /** Gram matrix AᵀWA / ΣW, `[n_C, n_C]`; W is each position's weight, 1 where there is no guidance. */
  gram: Tensor2D;
  /** Means 1ᵀWA / ΣW, `[1, n_C]`, where the style distance looks at them. */
  mean: Tensor2D | undefined;
  /** ΣW: the number of positions where there is no guidance. */
  weight: number;
}

/** Where no position counts the statistics are zeros, not 0 / 0. */
const NOTHING = 1e-6;

/** The statistics of a feature map that comes in pieces: AᵀWA and 1ᵀWA add up over rows. */
export class StatisticsAccumulator {
  readonly #distance: Options["style_distance"];
  readonly #kernels: Kernels;
  #products: Tensor2D | undefined;
  #sums: Tensor2D | undefined;
  #weight = 0;

  constructor(distance: Options["style_distance"], kernels: Kernels) {
    this.#distance = distance;
    this.#kernels = kernels;
  }

  /** @param weights how much each position counts, `[rows · columns, 1]` */
  add(features: Tensor4D, weights?: Tensor2D): void {
    const unrolled = unroll(features);
    this.#products = plus(this.#products, this.#gramOf(unrolled, weights));
    if (this.#distance === "moments") {
      this.#sums = plus(
        this.#sums,
        tf.tidy(() => {
          const weighted = weights === undefined ? unrolled : tf.mul<Tensor2D>(unrolled, weights);
          return tf.sum<Tensor2D>(weighted, 0, true);
        }),
      );
    }
    this.#weight += weights === undefined ? unrolled.shape[0] : sumOf(weights);
    unrolled.dispose();
  }

  /** AᵀWA = (√W·A)ᵀ(√W·A): a product with itself is symmetric, and half the work. */
  #gramOf(unrolled: Tensor2D, weights: Tensor2D | undefined): Tensor2D {
    return tf.tidy(() =>
      this.#kernels.gramMatrix(weights === undefined ? unrolled : tf.mul(unrolled, weights.sqrt())),
    );
  }

  /** Instead of finish(), or after it. */
  dispose(): void {
    tf.dispose([this.#products, this.#sums].filter((tensor) => tensor !== undefined));
  }

  /** The tensors are the caller's to dispose of; nothing can be added after. */
  finish(): StyleStatistics {
    const [products, sums] = [this.#products as Tensor2D, this.#sums];
    const weight = Math.max(this.#weight, NOTHING);
    const gram = tf.keep(products.div<Tensor2D>(weight));
    const mean = sums && tf.keep(sums.div<Tensor2D>(weight));
    tf.dispose(sums === undefined ? [products] : [products, sums]);
    return { gram, mean, weight };
  }
}

/** The mean of some statistics by their weights, which do not sum up to 0; disposes of them. */
export function blend(all: readonly StyleStatistics[], weights: readonly number[]): StyleStatistics {
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const mix = (tensors: readonly Tensor2D[]) =>
    tf.keep(
      tf.tidy(() => tf.addN(tensors.map((tensor, index) => tensor.mul((weights[index] ?? 0) / whole)))),
    );
  const means = all.map(({ mean }) => mean).filter((mean) => mean !== undefined);
  const blended = {
    gram: mix(all.map(({ gram }) => gram)) as Tensor2D,
    mean: means.length === 0 ? undefined : (mix(means) as Tensor2D),
    weight: 1,
  };
  disposeOf(...all);
  return blended;
}

export function disposeOf(...all: readonly StyleStatistics[]): void {
  tf.dispose(all.flatMap(({ gram, mean }) => (mean === undefined ? [gram] : [gram, mean])));
}

/** `[1, h, w, n_C]` → `[h·w, n_C]`. */
export function unroll(features: Tensor4D): Tensor2D {
  const [, height, width, channels] = features.shape;
  return features.reshape([height * width, channels]);
}

/** a + b, disposing of both; kept. */
function plus(a: Tensor2D | undefined, b: Tensor2D): Tensor2D {
  const sum = tf.keep(a === undefined ? b.clone() : tf.add<Tensor2D>(a, b));
  tf.dispose(a === undefined ? [b] : [a, b]);
  return sum;
}

function sumOf(x: Tensor2D): number {
  return tf.tidy(() => x.sum().dataSync()[0] ?? 0);
}
