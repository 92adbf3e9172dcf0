import type { Options } from "../../../src/contract/options.ts";
import { type Tensor, type Tensor4D, tf } from "../tensorflow.ts";

/**
 * The distance of one layer's feature map from the content's, k · Σ (F − F_c)².
 *
 * - `gatys`: k = α·w / (4·n_H·n_W·n_C), the source's J_content;
 * - `relative`: k = α·w / ‖F_c‖².
 */
export class ContentLoss {
  readonly #target: Tensor4D;
  readonly #factor: Tensor;

  /** @param target the content's feature map; kept, and disposed of with this. */
  constructor(target: Tensor4D, weight: number, formula: Options["loss"]) {
    this.#target = tf.keep(target);
    this.#factor = tf.keep(
      tf.tidy(() =>
        formula === "gatys"
          ? tf.scalar(weight / (4 * target.size))
          : tf.div(weight, tf.maximum(squaredNorm(target), 1e-12)),
      ),
    );
  }

  /** Loss (a scalar) and its gradient with respect to `features`, which are the target's rows from `firstRow` on. */
  evaluate(features: Tensor4D, firstRow: number): { loss: Tensor; gradient: Tensor4D } {
    return tf.tidy(() => {
      const isWhole = features.shape[1] === this.#target.shape[1];
      const target = isWhole ? this.#target : this.#target.slice([0, firstRow, 0, 0], features.shape);
      const difference = tf.sub(features, target) as Tensor4D;
      const loss = squaredNorm(difference).mul(this.#factor);
      return { loss, gradient: difference.mul(this.#factor.mul(2)) };
    });
  }

  dispose(): void {
    tf.dispose([this.#target, this.#factor]);
  }
}

/** Σ x². */
export function squaredNorm(x: Tensor): Tensor {
  return tf.tidy(() => {
    const row = x.reshape([1, x.size]);
    return tf.matMul(row, row, false, true).asScalar();
  });
}
