import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT } from "../../../src/root.ts";
import { runKernel, type Tensor, type Tensor4D, tf } from "../tensorflow.ts";
import type { LayerWeights } from "../weights/vgg19-weights.ts";
import type { Convolution, Kernels } from "./kernels.ts";
import { stockKernels } from "./stock-kernels.ts";

/** The kernels work on whole vectors of 16 channels; VGG-19's widths are multiples of it. */
const CHANNELS = 16;

/**
 * VGG-19 on the kernels in workers/engine/native, for CPUs; undefined where they are not built or where the
 * processor lacks their instructions.
 */
export function nativeKernels(): Kernels | undefined {
  return isAvailable() ? kernels : undefined;
}

function isAvailable(): boolean {
  try {
    const addon = createRequire(import.meta.url)(join(ROOT, "build/nst_kernels.node")) as {
      available: boolean;
    };
    return addon.available;
  } catch {
    return false; // not built, for example where there is no compiler
  }
}

const kernels: Kernels = {
  name: process.arch === "arm64" ? "neon" : "avx2",

  convolution: (weights) => {
    if (weights.outputs % CHANNELS !== 0) {
      return stockKernels.convolution(weights);
    }
    if (weights.inputs === 3) {
      return new ImageConvolution(weights);
    }
    return weights.inputs % CHANNELS === 0
      ? new WinogradConvolution(weights)
      : stockKernels.convolution(weights);
  },

  pool: (input, pooling) =>
    input.shape[3] % CHANNELS === 0
      ? (runKernel("NstPool", [input], { average: pooling === "average" }) as Tensor4D)
      : stockKernels.pool(input, pooling),

  poolGradient: (gradient, input, output, pooling) =>
    input.shape[3] % CHANNELS === 0
      ? (runKernel("NstPoolGradient", [gradient, input, output], {
          average: pooling === "average",
        }) as Tensor4D)
      : stockKernels.poolGradient(gradient, input, output, pooling),
};

/** Winograd's F(4×4, 3×3); keeps the transformed kernel, four times the size of the plain one, for both directions. */
class WinogradConvolution implements Convolution {
  readonly #transformed: Tensor;
  readonly #bias: Tensor;

  constructor({ kernel, bias, inputs, outputs }: LayerWeights) {
    const plain = tf.tensor4d(kernel, [3, 3, inputs, outputs]);
    this.#transformed = tf.keep(runKernel("NstTransformKernel", [plain]));
    this.#bias = tf.keep(tf.tensor1d(bias));
    plain.dispose();
  }

  forward(input: Tensor4D): Tensor4D {
    return runKernel("NstConvolution", [input, this.#transformed, this.#bias]) as Tensor4D;
  }

  backward(gradient: Tensor4D, output: Tensor4D): Tensor4D {
    return runKernel("NstConvolutionGradient", [gradient, output, this.#transformed]) as Tensor4D;
  }

  dispose(): void {
    tf.dispose([this.#transformed, this.#bias]);
  }
}

/** The first layer: too few channels for Winograd's transforms to pay. */
class ImageConvolution implements Convolution {
  readonly #kernel: Tensor;
  readonly #bias: Tensor;

  constructor({ kernel, bias, outputs }: LayerWeights) {
    this.#kernel = tf.keep(tf.tensor4d(kernel, [3, 3, 3, outputs]));
    this.#bias = tf.keep(tf.tensor1d(bias));
  }

  forward(input: Tensor4D): Tensor4D {
    return runKernel("NstImageConvolution", [input, this.#kernel, this.#bias]) as Tensor4D;
  }

  backward(gradient: Tensor4D, output: Tensor4D): Tensor4D {
    return runKernel("NstImageConvolutionGradient", [gradient, output, this.#kernel]) as Tensor4D;
  }

  dispose(): void {
    tf.dispose([this.#kernel, this.#bias]);
  }
}
