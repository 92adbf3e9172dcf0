import type { Options } from "../../../src/contract/options.ts";
import { type Tensor, type Tensor3D, tf } from "../tensorflow.ts";
import { squaredNorm } from "./content-loss.ts";
import { disposeOf, mix, type StyleStatistics } from "./style-statistics.ts";

type Formula = Pick<Options, "loss" | "style_distance">;

/** In place of a norm of 0. */
const TINY = 1e-12;
/** ε: covariances smaller than this part of the Gram matrix are of a map of hardly any positions, and tell nothing. */
const LEAST_COVARIANCE = 1e-3;

/** The gradient of a style loss with respect to the features A (unrolled) of each tile: w ⊙ (A·matrix + offset). */
export interface StyleGradient {
  /** `[tiles, n_C, n_C]`. */
  matrix: Tensor3D;
  /** `[tiles, 1, n_C]`; none where means are not looked at. */
  offset: Tensor3D | undefined;
}

/**
 * How far one layer's statistics are from the style's: the mean over its windows, by their weights. In each, with
 * G = AᵀWA / ΣW, the mean μ and the covariance Σ = G − μᵀμ:
 *
 * - `gram`: k · Σ (G − G_s)²; k = β·λ / (4·n_C²) for `gatys`, which for pictures of one size is the source's J_style
 *   with undivided Grams, and k = β·λ / ‖G_s‖² for `relative`.
 * - `moments`: k · Σ (Σ − Σ_s)² + m · Σ (μ − μ_s)²; for `gatys` k is the same and m = k·‖μ_s‖², which gives both
 *   terms one unit; for `relative` k = β·λ / max(‖Σ_s‖², ε·‖G_s‖²) and m = β·λ / ‖μ_s‖².
 */
export class StyleLoss {
  readonly #target: Tensor3D;
  readonly #factor: number;
  readonly #mean: { target: Tensor3D; factor: number } | undefined;

  /** @param style the style's statistics, of one window; disposed of */
  constructor(style: StyleStatistics, weight: number, formula: Formula) {
    const { gram, mean } = style;
    this.#target = tf.keep(mean === undefined ? gram.clone() : covariance(gram, mean));
    const isSource = formula.loss === "gatys";
    const relative = (x: Tensor, least = TINY) => weight / Math.max(normOf(x), least);
    const source = weight / (4 * gram.size);
    this.#factor = isSource
      ? source
      : relative(this.#target, Math.max(normOf(gram) * LEAST_COVARIANCE, TINY));
    this.#mean = mean && {
      target: tf.keep(mean.clone()),
      factor: isSource ? normOf(mean) * source : relative(mean),
    };
    disposeOf(style);
  }

  /**
   * Loss (a scalar) and its gradient at the picture's own statistics.
   *
   * @param shares how much of each tile a window has, `[windows][tiles]`
   */
  evaluate(
    { gram, mean, weights }: StyleStatistics,
    shares: readonly number[][],
  ): { loss: Tensor } & StyleGradient {
    return tf.tidy(() => {
      const whole = weights.reduce((sum, weight) => sum + weight, 0);
      const lossOf = (difference: Tensor3D, factor: number) =>
        weightedNorm(
          difference,
          weights.map((weight) => (factor * weight) / whole),
        );
      /** Windows' values times a factor → by tile, of its windows' as much as they have of it. */
      const byTile = (values: Tensor3D, factor: number) =>
        mix(
          (shares[0] ?? []).map((_, tile) => shares.map((row) => (factor * (row[tile] as number)) / whole)),
          values,
        );
      if (mean === undefined || this.#mean === undefined) {
        const difference = tf.sub<Tensor3D>(gram, this.#target);
        const loss = lossOf(difference, this.#factor);
        return { loss, matrix: byTile(difference, 4 * this.#factor), offset: undefined };
      }
      const difference = tf.sub<Tensor3D>(covariance(gram, mean), this.#target);
      const shift = tf.sub<Tensor3D>(mean, this.#mean.target);
      const loss = tf.add(lossOf(difference, this.#factor), lossOf(shift, this.#mean.factor));
      const pull = byTile(shift, 2 * this.#mean.factor);
      const drag = byTile(tf.matMul(mean, difference), 4 * this.#factor);
      return {
        loss,
        matrix: byTile(difference, 4 * this.#factor),
        offset: tf.sub<Tensor3D>(pull, drag),
      };
    });
  }

  dispose(): void {
    tf.dispose(this.#mean === undefined ? this.#target : [this.#target, this.#mean.target]);
  }
}

/** Σ_i weights[i] · ‖matrices[i]‖², a scalar. */
function weightedNorm(matrices: Tensor3D, weights: readonly number[]): Tensor {
  return tf.tidy(() => {
    const rows = matrices.reshape<Tensor3D>([weights.length, 1, -1]);
    const norms = tf.matMul(rows, rows, false, true).reshape([weights.length]);
    return tf.sum(tf.mul(norms, tf.tensor1d([...weights])));
  });
}

function normOf(x: Tensor): number {
  return tf.tidy(() => squaredNorm(x).dataSync()[0] ?? Number.NaN);
}

/** G − μᵀμ; kept. */
function covariance(gram: Tensor3D, mean: Tensor3D): Tensor3D {
  return tf.tidy(() => tf.sub<Tensor3D>(gram, tf.matMul(mean, mean, true, false)));
}
