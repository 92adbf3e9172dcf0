import type { Evaluation } from "../objective.ts";
import { tf } from "../tensorflow.ts";

/** The loss stayed infinite or not a number although the step was made smaller time and again. */
export class NonFiniteLossError extends Error {
  override readonly name = "NonFiniteLossError";
}

export function isFiniteEvaluation({ loss, gradient }: Evaluation): boolean {
  if (!Number.isFinite(loss.total)) {
    return false;
  }
  const norm = tf.tidy(() => gradient.square().sum());
  const [value = Number.NaN] = norm.dataSync();
  norm.dispose();
  return Number.isFinite(value);
}
