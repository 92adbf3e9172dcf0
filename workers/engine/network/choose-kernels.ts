import { isUsingGpu } from "../tensorflow.ts";
import type { Kernels } from "./kernels.ts";
import { nativeKernels } from "./native-kernels.ts";
import { tfjsKernels } from "./tfjs-kernels.ts";

/** The fastest kernels that run on this machine: cuDNN's on a GPU, our own on a CPU. */
export function chooseKernels(): Kernels {
  return isUsingGpu() ? tfjsKernels : (nativeKernels()[0] ?? tfjsKernels);
}
