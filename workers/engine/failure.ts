import type { JobErrorCode } from "../../src/contract/problems.ts";
import { OutOfMemoryError } from "./memory-plan.ts";
import { NonFiniteLossError } from "./optimizers/non-finite-loss.ts";
import { PictureTooSmallError } from "./paint.ts";
import { WeightsError } from "./weights/vgg19-weights.ts";

/** What went wrong, as the worker is told it. */
export function failureOf(error: unknown): { code: JobErrorCode; message: string } {
  return { code: codeOf(error), message: messageOf(error) };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): JobErrorCode {
  if (error instanceof WeightsError) {
    return "weights_missing";
  }
  if (error instanceof NonFiniteLossError) {
    return "non_finite_loss";
  }
  if (error instanceof OutOfMemoryError) {
    return "out_of_memory";
  }
  if (error instanceof PictureTooSmallError) {
    return "picture_too_small";
  }
  return /OOM|out of memory|failed to allocate/i.test(messageOf(error)) ? "out_of_memory" : "engine_failed";
}
