import type { Evaluation } from "../objective/objective.ts";
import { type Tensor4D, tf } from "../tensorflow.ts";
import { CurvatureHistory } from "./curvature-history.ts";
import { freePixels } from "./free-pixels.ts";
import { innerProduct } from "./inner-product.ts";
import {
  isFiniteEvaluation,
  MAX_RETREATS,
  NonFiniteLossError,
  type Optimizer,
  type OptimizerState,
  type OptimizerValues,
} from "./optimizer.ts";
import type { Preconditioner } from "./preconditioner.ts";
import type { Windows } from "./windows.ts";

/** Root mean square of the first step on pixels in [0, 1], where nothing is known of the curvature yet. */
const FIRST_STEP = 0.01;
/** No step is longer than this root mean square: far moves leave the region that the history tells of. */
const LONGEST_STEP = 0.1;
/** A step that raises the loss by more than this factor is taken back. */
const TOLERATED_RISE = 1.1;
/** After so many steps back in a row the history is no guide any more (near the edges of [0, 1], in rounding noise). */
const PATIENCE = 3;

interface Accepted {
  image: Tensor4D;
  gradient: Tensor4D;
  loss: number;
}

/**
 * L-BFGS (Liu & Nocedal 1989) on pixels kept in [0, 1]: steps along −H·g, with H as its history of the curvature has it.
 *
 * There is no line search: with a history the unit step is nearly always good, and each trial would cost a whole
 * evaluation. A step that raises the loss, or after which it is not finite, is taken back and quartered instead;
 * where that does not help, the history is forgotten and a short step goes straight downhill. At a minimum the steps
 * shrink until the picture stands still.
 */
export class Lbfgs implements Optimizer {
  image: Tensor4D;
  readonly #learningRate: number;
  readonly #history: CurvatureHistory;
  #accepted: Accepted | undefined;
  #retreats = 0;
  /** Root mean square of the next step that has no history to go by. */
  #firstStep = FIRST_STEP;

  /**
   * @param image becomes the optimiser's own
   * @param learningRate factor on every step, 1 as a rule
   * @param preconditioner H₀ up to a factor, where the recursion starts from; becomes the optimiser's own
   * @param windows over a picture of this size; become the optimiser's own
   */
  constructor(image: Tensor4D, learningRate: number, preconditioner: Preconditioner, windows: Windows) {
    this.image = tf.keep(image);
    this.#learningRate = learningRate;
    this.#history = new CurvatureHistory(preconditioner, windows);
  }

  /** The next trial may have to be taken back: the last picture that was accepted. */
  get result(): Tensor4D {
    return this.#accepted?.image ?? this.image;
  }

  update(evaluation: Evaluation): void {
    const limit =
      this.#accepted === undefined ? Number.POSITIVE_INFINITY : this.#accepted.loss * TOLERATED_RISE;
    const finite = isFiniteEvaluation(evaluation);
    if (finite && evaluation.loss.total <= limit) {
      this.#accept(evaluation);
      this.#moveTo(tf.tidy(() => this.#target(this.#direction())));
    } else {
      evaluation.gradient.dispose();
      this.#retreat(finite);
    }
  }

  #accept({ loss, gradient }: Evaluation): void {
    this.#retreats = 0;
    if (this.#accepted !== undefined) {
      const before = this.#accepted;
      this.#history.learn(
        tf.sub(this.image, before.image) as Tensor4D,
        tf.sub(gradient, before.gradient) as Tensor4D,
      );
      tf.dispose([before.image, before.gradient]);
    }
    this.#accepted = { image: tf.keep(this.image.clone()), gradient: tf.keep(gradient), loss: loss.total };
  }

  /**
   * −H·g; −H₀·g, scaled to a cautious length, without a history. Both only over the pixels that are free to move.
   */
  #direction(): Tensor4D {
    const { image, gradient } = this.#accepted as Accepted;
    const free = freePixels(image, gradient);
    const uphill: Tensor4D = this.#history.apply(gradient.mul(free)).mul(free);
    return this.#history.isEmpty
      ? uphill.mul(-this.#firstStep / Math.max(rootMeanSquare(uphill), 1e-30))
      : uphill.neg();
  }

  #target(direction: Tensor4D): Tensor4D {
    const { image } = this.#accepted as Accepted;
    const length = rootMeanSquare(direction) * this.#learningRate;
    const factor = this.#learningRate * Math.min(1, LONGEST_STEP / Math.max(length, 1e-30));
    return tf.clipByValue(tf.add(image, direction.mul(factor)) as Tensor4D, 0, 1);
  }

  #retreat(finite: boolean): void {
    this.#retreats += 1;
    const accepted = this.#accepted;
    if (accepted === undefined || (!finite && this.#retreats > MAX_RETREATS)) {
      throw new NonFiniteLossError("the loss is not finite, however small the step");
    }
    const shorter = tf.tidy(() => tf.sub(this.image, accepted.image).mul(0.25) as Tensor4D);
    if (this.#retreats >= PATIENCE) {
      this.#history.forget();
      this.#firstStep = rootMeanSquare(shorter);
      this.#moveTo(tf.tidy(() => this.#target(this.#direction())));
    } else {
      this.#moveTo(tf.tidy(() => tf.add(accepted.image, shorter) as Tensor4D));
    }
    shorter.dispose();
  }

  #moveTo(image: Tensor4D): void {
    this.image.dispose();
    this.image = tf.keep(image);
  }

  restart(): void {
    this.#moveTo(this.result.clone());
    this.#forget();
    this.#retreats = 0;
    this.#firstStep = FIRST_STEP;
  }

  state(): OptimizerState {
    return {
      accepted: this.#accepted === undefined ? [] : [this.#accepted.image, this.#accepted.gradient],
      loss: this.#accepted?.loss ?? 0,
      ...this.#history.state(),
      retreats: this.#retreats,
      firstStep: this.#firstStep,
    };
  }

  restore(state: OptimizerValues): void {
    const tensor = (data: Float32Array) => tf.keep(tf.tensor4d(data, this.image.shape));
    this.#forget();
    const [image, gradient] = state.accepted as Float32Array[];
    if (image !== undefined && gradient !== undefined) {
      this.#accepted = { image: tensor(image), gradient: tensor(gradient), loss: state.loss as number };
    }
    this.#history.restore({
      s: (state.s as Float32Array[]).map(tensor),
      y: (state.y as Float32Array[]).map(tensor),
    });
    this.#retreats = state.retreats as number;
    this.#firstStep = state.firstStep as number;
  }

  #forget(): void {
    this.#history.forget();
    if (this.#accepted !== undefined) {
      tf.dispose([this.#accepted.image, this.#accepted.gradient]);
      this.#accepted = undefined;
    }
  }

  dispose(): void {
    this.#forget();
    this.image.dispose();
    this.#history.dispose();
  }
}

function rootMeanSquare(x: Tensor4D): number {
  return Math.sqrt(innerProduct(x, x) / x.size);
}
