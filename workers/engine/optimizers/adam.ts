import type { Evaluation } from "../objective/objective.ts";
import { type Tensor4D, tf } from "../tensorflow.ts";
import { freePixels } from "./free-pixels.ts";
import {
  isFiniteEvaluation,
  MAX_RETREATS,
  NonFiniteLossError,
  type Optimizer,
  type OptimizerState,
  type OptimizerValues,
} from "./optimizer.ts";
import type { Preconditioner } from "./preconditioner.ts";

const BETA1 = 0.9;
/**
 * Kingma & Ba's 10⁻⁸ would hold the pixels of large pictures back: a relative loss' gradient is of the order of 10⁻⁶ at 512 px, and
 * of 10⁻⁸ at 4,096 px.
 */
const EPSILON = 1e-12;
/** The share of the steps over which the learning rate falls to 0 where it is annealed. */
const ANNEALED_SHARE = 0.5;

export interface AdamSettings {
  /** Of pixels in [0, 1]. */
  learningRate: number;
  /** β₂: how much of the variance is kept at each step. */
  varianceDecay?: number;
  /** What each step is multiplied by, keeping its root mean square as a rule; becomes the optimiser's own. */
  preconditioner?: Preconditioner;
  /** Over how many steps the learning rate is held, then annealed to 0; held for ever where left out. */
  annealedOver?: number;
}

/**
 * Adam (Kingma & Ba 2014, algorithm 1, bias-corrected) on the pixels, which are kept in [0, 1].
 *
 * With a learning rate that is annealed it can be far longer at first: the pixels tremble across the steep directions, in
 * which the gradient changes its sign from step to step, go fast along the others, and come to rest as it falls.
 *
 * A non-finite evaluation is stepped back from: the last picture, the moments forgotten, the step halved.
 */
export class Adam implements Optimizer {
  image: Tensor4D;
  #previous: Tensor4D | undefined;
  #mean: Tensor4D;
  #variance: Tensor4D;
  readonly #varianceDecay: number;
  readonly #preconditioner: Preconditioner | undefined;
  readonly #annealedOver: number;
  #learningRate: number;
  /** Since the moments were forgotten. */
  #step = 0;
  /** Evaluations in all, and how many of them before the objective that it is about now. */
  #updates = 0;
  #updatesBefore = 0;
  #retreats = 0;

  /** @param image becomes the optimiser's own */
  constructor(
    image: Tensor4D,
    {
      learningRate,
      varianceDecay = 0.999,
      preconditioner,
      annealedOver = Number.POSITIVE_INFINITY,
    }: AdamSettings,
  ) {
    this.image = tf.keep(image);
    this.#varianceDecay = varianceDecay;
    this.#preconditioner = preconditioner;
    this.#annealedOver = annealedOver;
    this.#mean = tf.keep(tf.zerosLike(image));
    this.#variance = tf.keep(tf.zerosLike(image));
    this.#learningRate = learningRate;
  }

  get result(): Tensor4D {
    return this.image;
  }

  update(evaluation: Evaluation): void {
    const canAdvance = isFiniteEvaluation(evaluation);
    if (canAdvance) {
      this.#advance(evaluation.gradient);
    }
    evaluation.gradient.dispose();
    if (!canAdvance) {
      this.#retreat();
    }
    this.#updates += 1;
  }

  /** What is left of the learning rate: 1, then falling to 0 over the second half of the steps that the objective has. */
  get #annealing(): number {
    if (this.#annealedOver === Number.POSITIVE_INFINITY) {
      return 1;
    }
    const left = this.#annealedOver - this.#updates;
    const whole = this.#annealedOver - this.#updatesBefore;
    return Math.min(1, Math.max(0, left) / (ANNEALED_SHARE * whole));
  }

  #advance(gradient: Tensor4D): void {
    if (this.#step > 0) {
      this.#retreats = 0; // the picture that was returned to is finite anyway: it must be the step from it that is
    }
    this.#step += 1;
    const beta2 = this.#varianceDecay;
    const learningRate = this.#learningRate * this.#annealing;
    const rate = (learningRate * Math.sqrt(1 - beta2 ** this.#step)) / (1 - BETA1 ** this.#step);
    const epsilon = EPSILON * Math.sqrt(1 - beta2 ** this.#step);
    const [mean, variance, image] = tf.tidy(() => {
      const mean = tf.add(this.#mean.mul(BETA1), gradient.mul(1 - BETA1)) as Tensor4D;
      const variance = tf.add(this.#variance.mul(beta2), gradient.square().mul(1 - beta2)) as Tensor4D;
      const step: Tensor4D = mean.mul(rate).div(variance.sqrt().add(epsilon));
      const move = this.#preconditioner ? this.#together(step, gradient, this.#preconditioner) : step;
      return [mean, variance, tf.clipByValue(tf.sub(this.image, move) as Tensor4D, 0, 1)];
    });
    tf.dispose([this.#mean, this.#variance]);
    this.#previous?.dispose();
    this.#previous = this.image;
    this.#mean = tf.keep(mean);
    this.#variance = tf.keep(variance);
    this.image = tf.keep(image);
  }

  /** The step of pixels that are moved together, where they are free to. */
  #together(step: Tensor4D, gradient: Tensor4D, preconditioner: Preconditioner): Tensor4D {
    const free = freePixels(this.image, gradient);
    return preconditioner.apply(step.mul(free)).mul(free);
  }

  #retreat(): void {
    this.#retreats += 1;
    if (this.#retreats > MAX_RETREATS || this.#previous === undefined) {
      throw new NonFiniteLossError("the loss is not finite, however small the step");
    }
    tf.dispose([this.image, this.#mean, this.#variance]);
    this.image = tf.keep(this.#previous.clone());
    this.#mean = tf.keep(tf.zerosLike(this.image));
    this.#variance = tf.keep(tf.zerosLike(this.image));
    this.#step = 0;
    this.#learningRate /= 2;
  }

  restart(): void {
    tf.dispose([this.#mean, this.#variance]);
    this.#previous?.dispose();
    this.#previous = undefined;
    this.#mean = tf.keep(tf.zerosLike(this.image));
    this.#variance = tf.keep(tf.zerosLike(this.image));
    this.#step = 0;
    this.#updatesBefore = Math.min(this.#updates, this.#annealedOver - 1);
    this.#retreats = 0;
  }

  state(): OptimizerState {
    return {
      mean: this.#mean,
      variance: this.#variance,
      previous: this.#previous === undefined ? [] : [this.#previous],
      step: this.#step,
      learningRate: this.#learningRate,
      updates: this.#updates,
      updatesBefore: this.#updatesBefore,
      retreats: this.#retreats,
    };
  }

  restore(state: OptimizerValues): void {
    const tensor = (values: unknown) => tf.keep(tf.tensor4d(values as Float32Array, this.image.shape));
    tf.dispose([this.#mean, this.#variance]);
    this.#previous?.dispose();
    this.#mean = tensor(state.mean);
    this.#variance = tensor(state.variance);
    const [previous] = state.previous as Float32Array[];
    this.#previous = previous && tensor(previous);
    this.#step = state.step as number;
    this.#learningRate = state.learningRate as number;
    this.#updates = state.updates as number;
    this.#updatesBefore = state.updatesBefore as number;
    this.#retreats = state.retreats as number;
  }

  dispose(): void {
    tf.dispose([this.image, this.#mean, this.#variance]);
    this.#previous?.dispose();
    this.#preconditioner?.dispose();
  }
}
