import type { Evaluation } from "../objective/objective.ts";
import { type Tensor4D, tf } from "../tensorflow.ts";

/** What an optimiser remembers: numbers, and tensors that it owns and may dispose of at its next update. */
export type OptimizerState = Record<string, number | Tensor4D | Tensor4D[]>;
/** The same as plain data: numbers, and tensors as their values. */
export type OptimizerValues = Record<string, number | Float32Array | Float32Array[]>;

/** Moves a picture downhill. One call of update() is one step and uses exactly one evaluation. */
export interface Optimizer {
  /** The picture `[1, h, w, 3]` in [0, 1] that is to be evaluated next; owned by the optimiser. */
  readonly image: Tensor4D;
  /** The picture to show: the last one that is known to be good; owned by the optimiser. */
  readonly result: Tensor4D;
  /**
   * Takes loss and gradient at `image` and moves `image` on; disposes of the gradient.
   *
   * @throws NonFiniteLossError when steps back with ever smaller steps did not help
   */
  update(evaluation: Evaluation): void;
  /** The objective is another one from here on: goes on from `result`, and forgets what it learnt of the one before. */
  restart(): void;
  /** All that it takes to go on exactly from here, without `image`. */
  state(): OptimizerState;
  restore(state: OptimizerValues): void;
  dispose(): void;
}

/** The loss stayed infinite or not a number although the step was made smaller time and again. */
export class NonFiniteLossError extends Error {
  override readonly name = "NonFiniteLossError";
}

/** How many times in a row a step without a finite loss is taken back before the run is given up. */
export const MAX_RETREATS = 8;

export function isFiniteEvaluation({ loss, gradient }: Evaluation): boolean {
  if (!Number.isFinite(loss.total)) {
    return false;
  }
  const norm = tf.tidy(() => gradient.square().sum());
  const [value = Number.NaN] = norm.dataSync();
  norm.dispose();
  return Number.isFinite(value);
}
