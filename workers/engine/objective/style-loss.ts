import type { Options } from "../../../src/contract/options.ts";
import { type Tensor, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { squaredNorm } from "./content-loss.ts";

/**
 * The distance of one layer's Gram matrix from the style's, k · Σ (G − G_s)² with G = AᵀA / (n_H·n_W).
 *
 * - `gatys`: k = β·λ / (4·n_C²), which for pictures of one size is the source's J_style with undivided Grams;
 * - `relative`: k = β·λ / ‖G_s‖².
 */
export class StyleLoss {
  readonly #target: Tensor2D;
  readonly #factor: Tensor;

  /** @param target the style's Gram matrix, `[n_C, n_C]`; kept, and disposed of with this. */
  constructor(target: Tensor2D, weight: number, formula: Options["loss"]) {
    this.#target = tf.keep(target);
    this.#factor = tf.keep(
      tf.tidy(() =>
        formula === "gatys"
          ? tf.scalar(weight / (4 * target.size))
          : tf.div(weight, tf.maximum(squaredNorm(target), 1e-12)),
      ),
    );
  }

  /**
   * Loss (a scalar) and the matrix M with which the gradient of the loss with respect to the features A is A·M:
   * M = 4k/(n_H·n_W) · (G − G_s), since G is symmetric.
   *
   * @param gram the picture's Gram matrix over `positions` = n_H·n_W rows
   */
  evaluate(gram: Tensor2D, positions: number): { loss: Tensor; matrix: Tensor2D } {
    return tf.tidy(() => {
      const difference = tf.sub(gram, this.#target) as Tensor2D;
      const loss = squaredNorm(difference).mul(this.#factor);
      return { loss, matrix: difference.mul(this.#factor.mul(4 / positions)) };
    });
  }

  dispose(): void {
    tf.dispose([this.#target, this.#factor]);
  }
}

/** The Gram matrix AᵀA / (n_H·n_W) of a feature map that comes in pieces: AᵀA adds up over rows. */
export class GramAccumulator {
  #sum: Tensor2D | undefined;
  #positions = 0;

  add(features: Tensor4D): void {
    this.#positions += features.shape[1] * features.shape[2];
    const before = this.#sum;
    this.#sum = tf.keep(
      tf.tidy(() => {
        const unrolled = unroll(features);
        const product: Tensor2D = tf.matMul(unrolled, unrolled, true, false);
        return before === undefined ? product : tf.add<Tensor2D>(before, product);
      }),
    );
    before?.dispose();
  }

  /** The matrix is the caller's to dispose of; nothing can be added after. */
  finish(): { gram: Tensor2D; positions: number } {
    const sum = this.#sum as Tensor2D;
    const gram = tf.keep(sum.div(this.#positions) as Tensor2D);
    sum.dispose();
    return { gram, positions: this.#positions };
  }
}

/** A·M in the shape of the feature map. */
export function timesMatrix(features: Tensor4D, matrix: Tensor2D): Tensor4D {
  return tf.tidy(() => tf.matMul(unroll(features), matrix).reshape(features.shape));
}

function unroll(features: Tensor4D): Tensor2D {
  const [, height, width, channels] = features.shape;
  return features.reshape([height * width, channels]);
}
