import { isUsingGpu } from "../tensorflow.ts";
import type { Kernels } from "./kernels.ts";
import { nativeKernels } from "./native-kernels.ts";
import { stockKernels } from "./stock-kernels.ts";

/** The fastest kernels that run on this machine: cuDNN's on a GPU, our own on a CPU. */
export function chooseKernels(): Kernels {
  return isUsingGpu() ? stockKernels : (nativeKernels()[0] ?? stockKernels);
}
