import type { Evaluation } from "../objective.ts";
import { type Tensor4D, tf } from "../tensorflow.ts";
import { isFiniteEvaluation, NonFiniteLossError } from "./non-finite-loss.ts";
import type { Parametrization } from "./parametrization.ts";

const BETA1 = 0.9;
const BETA2 = 0.999;
/**
 * Kingma & Ba's 10⁻⁸ would hold the pixels of large pictures back: a relative loss' gradient is of the order of 10⁻⁶ at 512 px, and
 * of 10⁻⁸ at 4,096 px.
 */
const EPSILON = 1e-12;
/** How many times in a row a step without a finite loss is taken back before the run is given up. */
const MAX_BACKTRACKS = 8;

/** All that it takes to go on exactly from here: tensors that the optimiser owns, and may dispose of at its next update. */
export interface AdamState<Values> {
  tensors: { parameters: Values[]; means: Values[]; variances: Values[]; previous: Values[] };
  numbers: { step: number; learningRate: number; backtracks: number };
}

/**
 * Adam (Kingma & Ba 2014, algorithm 1, bias-corrected) on the parameters of a picture. One call of update() is one step and
 * uses one evaluation.
 *
 * After a non-finite evaluation it backtracks: to the last picture, with the moments reset and half the learning rate.
 */
export class Adam {
  /** `[1, h, w, 3]`, to be evaluated next; owned by the optimiser. */
  picture: Tensor4D;
  readonly #parametrization: Parametrization;
  #parameters: Tensor4D[];
  #means: Tensor4D[];
  #variances: Tensor4D[];
  /** The parameters before the last step; none before the first. */
  #previous: Tensor4D[] = [];
  #learningRate: number;
  /** Since the moments were reset. */
  #step = 0;
  #backtracks = 0;

  /** @param picture becomes the optimiser's own */
  constructor(picture: Tensor4D, parametrization: Parametrization, learningRate: number) {
    this.#parametrization = parametrization;
    this.#parameters = kept(parametrization.decompose(picture));
    picture.dispose();
    this.picture = tf.keep(parametrization.compose(this.#parameters));
    this.#means = zerosLike(this.#parameters);
    this.#variances = zerosLike(this.#parameters);
    this.#learningRate = learningRate;
  }

  /**
   * Takes loss and gradient at `picture` and moves it; disposes of the gradient.
   *
   * @param share of the learning rate that this step takes
   * @throws NonFiniteLossError if ever smaller steps did not help
   */
  update(evaluation: Evaluation, share = 1): void {
    const canAdvance = isFiniteEvaluation(evaluation);
    if (canAdvance) this.#advance(evaluation.gradient, share * this.#learningRate);
    evaluation.gradient.dispose();
    if (!canAdvance) this.#backtrack();
  }

  #advance(pictureGradient: Tensor4D, learningRate: number): void {
    if (this.#step > 0) {
      this.#backtracks = 0; // the picture that was returned to is finite anyway: it must be the step from it that is
    }
    this.#step += 1;
    const correction = Math.sqrt(1 - BETA2 ** this.#step);
    const rate = (learningRate * correction) / (1 - BETA1 ** this.#step);
    const gradients = this.#parametrization.gradients(pictureGradient, this.#parameters);
    const before = [...this.#means, ...this.#variances, ...this.#previous, ...gradients];
    const moved = gradients.map((gradient, index) =>
      tf.tidy(() => {
        const mean = tf.add<Tensor4D>(this.#means[index]?.mul(BETA1) as Tensor4D, gradient.mul(1 - BETA1));
        const variance = tf.add<Tensor4D>(
          this.#variances[index]?.mul(BETA2) as Tensor4D,
          gradient.square().mul(1 - BETA2),
        );
        const step = mean.mul(rate).div<Tensor4D>(variance.sqrt().add(EPSILON * correction));
        const parameter = this.#parametrization.constrain(
          tf.sub<Tensor4D>(this.#parameters[index] as Tensor4D, step),
        );
        return { mean, variance, parameter };
      }),
    );
    this.#previous = this.#parameters;
    this.#parameters = kept(moved.map(({ parameter }) => parameter));
    this.#means = kept(moved.map(({ mean }) => mean));
    this.#variances = kept(moved.map(({ variance }) => variance));
    tf.dispose(before);
    this.#show();
  }

  #backtrack(): void {
    this.#backtracks += 1;
    if (this.#backtracks > MAX_BACKTRACKS || this.#previous.length === 0) {
      throw new NonFiniteLossError("the loss is not finite, however small the step");
    }
    tf.dispose(this.#parameters);
    this.#parameters = kept(this.#previous.map((parameter) => parameter.clone()));
    this.#resetMoments();
    this.#learningRate /= 2;
    this.#show();
  }

  /** The objective is another one from here on: resets the moments. */
  restart(): void {
    tf.dispose(this.#previous);
    this.#previous = [];
    this.#resetMoments();
    this.#backtracks = 0;
  }

  #resetMoments(): void {
    tf.dispose([...this.#means, ...this.#variances]);
    this.#means = zerosLike(this.#parameters);
    this.#variances = zerosLike(this.#parameters);
    this.#step = 0;
  }

  #show(): void {
    this.picture.dispose();
    this.picture = tf.keep(this.#parametrization.compose(this.#parameters));
  }

  state(): AdamState<Tensor4D> {
    return {
      tensors: {
        ...{ parameters: this.#parameters, means: this.#means },
        ...{ variances: this.#variances, previous: this.#previous },
      },
      numbers: { step: this.#step, learningRate: this.#learningRate, backtracks: this.#backtracks },
    };
  }

  restore({ tensors, numbers }: AdamState<Float32Array>): void {
    const shapes = this.#parameters.map(({ shape }) => shape);
    const restored = (values: readonly Float32Array[]) =>
      kept(values.map((value, index) => tf.tensor4d(value, shapes[index] as Tensor4D["shape"])));
    const before = [...this.#parameters, ...this.#means, ...this.#variances, ...this.#previous];
    this.#parameters = restored(tensors.parameters);
    this.#means = restored(tensors.means);
    this.#variances = restored(tensors.variances);
    this.#previous = restored(tensors.previous);
    tf.dispose(before);
    this.#step = numbers.step;
    this.#learningRate = numbers.learningRate;
    this.#backtracks = numbers.backtracks;
    this.#show();
  }

  dispose(): void {
    const all = [...this.#parameters, ...this.#means, ...this.#variances, ...this.#previous];
    tf.dispose([this.picture, ...all]);
  }
}

function kept(tensors: Tensor4D[]): Tensor4D[] {
  return tensors.map((tensor) => tf.keep(tensor));
}

function zerosLike(tensors: readonly Tensor4D[]): Tensor4D[] {
  return kept(tensors.map((tensor) => tf.zerosLike(tensor)));
}
