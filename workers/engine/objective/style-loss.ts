import type { Options } from "../../../src/contract/options.ts";
import { type Tensor, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { squaredNorm } from "./content-loss.ts";
import { disposeOf, type StyleStatistics, unroll } from "./style-statistics.ts";

type Formula = Pick<Options, "loss" | "style_distance">;

/** In place of a norm of 0. */
const TINY = 1e-12;
/** ε: covariances smaller than this part of the Gram matrix are of a map of hardly any positions, and tell nothing. */
const LEAST_COVARIANCE = 1e-3;

/** The gradient of a style loss with respect to the features A (unrolled): w ⊙ (A·matrix + offset). */
export interface StyleGradient {
  /** `[n_C, n_C]`. */
  matrix: Tensor2D;
  /** `[1, n_C]`; none where means are not looked at. */
  offset: Tensor2D | undefined;
}

/**
 * How far one layer's statistics are from the style's. With G = AᵀWA / ΣW, the mean μ and the covariance Σ = G − μᵀμ:
 *
 * - `gram`: k · Σ (G − G_s)²; k = β·λ / (4·n_C²) for `gatys`, which for pictures of one size is the source's J_style
 *   with undivided Grams, and k = β·λ / ‖G_s‖² for `relative`.
 * - `moments`: k · Σ (Σ − Σ_s)² + m · Σ (μ − μ_s)²; for `gatys` k is the same and m = k·‖μ_s‖², which gives both
 *   terms one unit; for `relative` k = β·λ / max(‖Σ_s‖², ε·‖G_s‖²) and m = β·λ / ‖μ_s‖².
 */
export class StyleLoss {
  readonly #target: Tensor2D;
  readonly #factor: Tensor;
  readonly #mean: { target: Tensor2D; factor: Tensor } | undefined;

  /** @param style the style's statistics; disposed of */
  constructor(style: StyleStatistics, weight: number, formula: Formula) {
    const { gram, mean } = style;
    this.#target = tf.keep(mean === undefined ? gram.clone() : covariance(gram, mean));
    const isSource = formula.loss === "gatys";
    const relative = (x: Tensor, least: Tensor = tf.scalar(TINY)) =>
      tf.div(weight, tf.maximum(squaredNorm(x), least));
    const source = weight / (4 * gram.size);
    this.#factor = tf.keep(
      tf.tidy(() => {
        const least = tf.maximum(squaredNorm(gram).mul(LEAST_COVARIANCE), TINY);
        return isSource ? tf.scalar(source) : relative(this.#target, least);
      }),
    );
    this.#mean = mean && {
      target: tf.keep(mean.clone()),
      factor: tf.keep(tf.tidy(() => (isSource ? squaredNorm(mean).mul(source) : relative(mean)))),
    };
    disposeOf(style);
  }

  /** Loss (a scalar) and its gradient at the picture's own statistics. */
  evaluate({ gram, mean, weight }: StyleStatistics): { loss: Tensor } & StyleGradient {
    return tf.tidy(() => {
      if (mean === undefined || this.#mean === undefined) {
        const difference = tf.sub<Tensor2D>(gram, this.#target);
        const loss = squaredNorm(difference).mul(this.#factor);
        return { loss, matrix: difference.mul<Tensor2D>(this.#factor.mul(4 / weight)), offset: undefined };
      }
      const difference = tf.sub<Tensor2D>(covariance(gram, mean), this.#target);
      const shift = tf.sub<Tensor2D>(mean, this.#mean.target);
      const loss = tf.add(
        squaredNorm(difference).mul(this.#factor),
        squaredNorm(shift).mul(this.#mean.factor),
      );
      const matrix = difference.mul<Tensor2D>(this.#factor.mul(4 / weight));
      const pull = shift.mul(this.#mean.factor.mul(2 / weight));
      return { loss, matrix, offset: tf.sub<Tensor2D>(pull, tf.matMul(mean, matrix)) };
    });
  }

  dispose(): void {
    tf.dispose([this.#target, this.#factor]);
    tf.dispose(this.#mean === undefined ? [] : [this.#mean.target, this.#mean.factor]);
  }
}

/** w ⊙ (A·matrix + offset) in the shape of the feature map. */
export function styleGradientAt(
  features: Tensor4D,
  { matrix, offset }: StyleGradient,
  weights?: Tensor2D,
): Tensor4D {
  return tf.tidy(() => {
    const product: Tensor2D = tf.matMul(unroll(features), matrix);
    const moved = offset === undefined ? product : tf.add<Tensor2D>(product, offset);
    const weighted = weights === undefined ? moved : tf.mul<Tensor2D>(moved, weights);
    return weighted.reshape(features.shape);
  });
}

/** G − μᵀμ; kept. */
function covariance(gram: Tensor2D, mean: Tensor2D): Tensor2D {
  return tf.tidy(() => tf.sub<Tensor2D>(gram, tf.matMul(mean, mean, true, false)));
}
