import type { Kernels } from "./kernels.ts";
import { stockKernels } from "./stock-kernels.ts";

/** The fastest kernels that run on this machine. */
export function chooseKernels(): Kernels {
  return stockKernels;
}
