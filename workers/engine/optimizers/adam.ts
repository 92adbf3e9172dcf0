import type { Evaluation } from "../objective/objective.ts";
import { type Tensor4D, tf } from "../tensorflow.ts";
import {
  isFiniteEvaluation,
  MAX_RETREATS,
  NonFiniteLossError,
  type Optimizer,
  type OptimizerState,
  type OptimizerValues,
} from "./optimizer.ts";

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/**
 * Adam (Kingma & Ba 2014, algorithm 1, bias-corrected) on the pixels, which are kept in [0, 1].
 *
 * A non-finite evaluation is stepped back from: the last picture, the moments forgotten, the step halved.
 */
export class Adam implements Optimizer {
  image: Tensor4D;
  #previous: Tensor4D | undefined;
  #mean: Tensor4D;
  #variance: Tensor4D;
  #step = 0;
  #learningRate: number;
  #retreats = 0;

  /** @param image becomes the optimiser's own @param learningRate on pixels in [0, 1] */
  constructor(image: Tensor4D, learningRate: number) {
    this.image = tf.keep(image);
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
  }

  #advance(gradient: Tensor4D): void {
    if (this.#step > 0) {
      this.#retreats = 0; // the picture that was returned to is finite anyway: it must be the step from it that is
    }
    this.#step += 1;
    const rate = (this.#learningRate * Math.sqrt(1 - BETA2 ** this.#step)) / (1 - BETA1 ** this.#step);
    const epsilon = EPSILON * Math.sqrt(1 - BETA2 ** this.#step);
    const [mean, variance, image] = tf.tidy(() => {
      const mean = tf.add(this.#mean.mul(BETA1), gradient.mul(1 - BETA1)) as Tensor4D;
      const variance = tf.add(this.#variance.mul(BETA2), gradient.square().mul(1 - BETA2)) as Tensor4D;
      const move = mean.mul(rate).div(variance.sqrt().add(epsilon));
      return [mean, variance, tf.clipByValue(tf.sub(this.image, move) as Tensor4D, 0, 1)];
    });
    tf.dispose([this.#mean, this.#variance]);
    this.#previous?.dispose();
    this.#previous = this.image;
    this.#mean = tf.keep(mean);
    this.#variance = tf.keep(variance);
    this.image = tf.keep(image);
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
    this.#retreats = 0;
  }

  state(): OptimizerState {
    return {
      mean: this.#mean,
      variance: this.#variance,
      previous: this.#previous === undefined ? [] : [this.#previous],
      step: this.#step,
      learningRate: this.#learningRate,
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
    this.#retreats = state.retreats as number;
  }

  dispose(): void {
    tf.dispose([this.image, this.#mean, this.#variance]);
    this.#previous?.dispose();
  }
}
