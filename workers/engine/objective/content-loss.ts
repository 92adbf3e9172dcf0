import type { Options } from "../../../src/contract/options.ts";
import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import { type Tensor, type Tensor4D, tf } from "../tensorflow.ts";
import type { Guidance } from "./guidance.ts";

/**
 * The distance of one layer's feature map from the content's, k · Σ w·(F − F_c)², w being the guidance at each
 * position, 1 where there is none.
 *
 * - `gatys`: k = α·λ / (4·n_H·n_W·n_C), the source's J_content;
 * - `relative`: k = α·λ·s / Σ w·F_c², s being the share of the picture that counts: a position weighs the same whatever
 *   else counts.
 */
export class ContentLoss {
  readonly #layer: Layer;
  readonly #target: Tensor4D;
  readonly #factor: Tensor;
  readonly #guidance: Guidance | undefined;

  /** @param target the content's feature map at `layer`; kept, and disposed of with this. */
  constructor(
    layer: Layer,
    target: Tensor4D,
    weight: number,
    formula: Options["loss"],
    guidance: Guidance | undefined,
  ) {
    this.#layer = layer;
    this.#target = tf.keep(target);
    this.#guidance = guidance;
    this.#factor = tf.keep(
      tf.tidy(() => {
        if (formula === "gatys") {
          return tf.scalar(weight / (4 * target.size));
        }
        const norm =
          guidance === undefined
            ? squaredNorm(target)
            : tf.sum(tf.mul(target, this.#weighted(target, guidance, 0)));
        return tf.div(weight * (guidance?.share(layer) ?? 1), tf.maximum(norm, 1e-12));
      }),
    );
  }

  /** Loss (a scalar) and its gradient with respect to `features`, which are the target's rows from `firstRow` on. */
  evaluate(features: Tensor4D, firstRow: number): { loss: Tensor; gradient: Tensor4D } {
    return tf.tidy(() => {
      const isWhole = features.shape[1] === this.#target.shape[1];
      const target = isWhole ? this.#target : this.#target.slice([0, firstRow, 0, 0], features.shape);
      const difference = tf.sub(features, target) as Tensor4D;
      if (this.#guidance === undefined) {
        const loss = squaredNorm(difference).mul(this.#factor);
        return { loss, gradient: difference.mul(this.#factor.mul(2)) };
      }
      const weighted = this.#weighted(difference, this.#guidance, firstRow);
      const loss = tf.sum(tf.mul(difference, weighted)).mul(this.#factor);
      return { loss, gradient: weighted.mul(this.#factor.mul(2)) };
    });
  }

  #weighted(features: Tensor4D, guidance: Guidance, firstRow: number): Tensor4D {
    return tf.mul(features, guidance.rows(this.#layer, firstRow, features.shape[1]));
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
