import type { EngineDescription } from "../../src/contract/engine-description.ts";
import { SIZE_RANGE } from "../../src/contract/options.ts";
import { DEFAULT_PRESET, PRESETS } from "../../src/contract/presets.ts";
import { OutOfMemoryError, planStrips } from "./memory-plan.ts";

/**
 * Longest edge of a square picture that can be painted with the default options.
 *
 * @param available bytes that the engine may hold in all
 * @returns pixels; 0 where not even the smallest picture fits
 */
export function largestSize(available: number, kernels: EngineDescription["kernels"]): number {
  let fitting = 0;
  let tooLarge = SIZE_RANGE.maximum + 1;
  while (tooLarge - fitting > 1) {
    const size = Math.floor((fitting + tooLarge) / 2);
    if (size <= SIZE_RANGE.minimum || doesFit(size, available, kernels)) fitting = size;
    else tooLarge = size;
  }
  return doesFit(Math.max(fitting, SIZE_RANGE.minimum), available, kernels) ? fitting : 0;
}

function doesFit(size: number, available: number, kernels: EngineDescription["kernels"]): boolean {
  try {
    planStrips(size, size, PRESETS[DEFAULT_PRESET], available, kernels);
    return true;
  } catch (error) {
    if (error instanceof OutOfMemoryError) return false;
    throw error;
  }
}
