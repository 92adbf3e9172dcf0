import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT } from "../../../src/root.ts";
import { runKernel, type Tensor, type Tensor4D, tf } from "../tensorflow.ts";
import type { LayerWeights } from "../weights/vgg19-weights.ts";
import type { Convolution, Kernels } from "./kernels.ts";
import { type Processor, processorsHere } from "./processor.ts";
import { stockKernels } from "./stock-kernels.ts";

/** The kernels work on whole vectors of 16 channels; VGG-19's widths are multiples of it. */
const CHANNELS = 16;

/**
 * VGG-19 on the kernels in workers/engine/native, for CPUs: one set for each kind of processor that this one is, the
 * fastest first; none where they are not built.
 */
export function nativeKernels(): Kernels[] {
  return processorsHere().filter(isBuilt).map(kernelsFor);
}

/** Loads the kernels' file, which registers them. */
function isBuilt(processor: Processor): boolean {
  try {
    createRequire(import.meta.url)(join(ROOT, `build/nst_kernels-${processor}.node`));
    return true;
  } catch {
    return false; // for example where there is no compiler
  }
}

function kernelsFor(processor: Processor): Kernels {
  const prefix = `Nst${processor.replace(/^./, (first) => first.toUpperCase())}`;
  const run: Run = (operation, inputs, attributes) => runKernel(prefix + operation, inputs, attributes);
  const canPool = (input: Tensor4D) => input.shape[3] % CHANNELS === 0;
  return {
    name: processor,

    convolution: (weights) => {
      if (weights.outputs % CHANNELS !== 0) {
        return stockKernels.convolution(weights);
      }
      if (weights.inputs === 3) {
        return new ImageConvolution(run, weights);
      }
      return weights.inputs % CHANNELS === 0
        ? new WinogradConvolution(run, weights)
        : stockKernels.convolution(weights);
    },

    pool: (input, pooling) =>
      canPool(input)
        ? (run("Pool", [input], { average: pooling === "average" }) as Tensor4D)
        : stockKernels.pool(input, pooling),

    poolGradient: (gradient, input, output, pooling) =>
      canPool(input)
        ? (run("PoolGradient", [gradient, input, output], { average: pooling === "average" }) as Tensor4D)
        : stockKernels.poolGradient(gradient, input, output, pooling),
  };
}

/** Runs a kernel by its name without the prefix. */
type Run = typeof runKernel;

/** Winograd's F(4×4, 3×3); keeps the plain kernel for both directions, packed. */
class WinogradConvolution implements Convolution {
  readonly #packed: Tensor;
  readonly #bias: Tensor;

  constructor(
    private readonly run: Run,
    { kernel, bias, inputs, outputs }: LayerWeights,
  ) {
    const plain = tf.tensor4d(kernel, [3, 3, inputs, outputs]);
    this.#packed = tf.keep(run("PackKernel", [plain]));
    this.#bias = tf.keep(tf.tensor1d(bias));
    plain.dispose();
  }

  forward(input: Tensor4D): Tensor4D {
    return this.run("Convolution", [input, this.#packed, this.#bias]) as Tensor4D;
  }

  backward(gradient: Tensor4D, output: Tensor4D): Tensor4D {
    return this.run("ConvolutionGradient", [gradient, output, this.#packed]) as Tensor4D;
  }

  dispose(): void {
    tf.dispose([this.#packed, this.#bias]);
  }
}

/** The first layer: too few channels for Winograd's transforms to pay. */
class ImageConvolution implements Convolution {
  readonly #kernel: Tensor;
  readonly #bias: Tensor;

  constructor(
    private readonly run: Run,
    { kernel, bias, outputs }: LayerWeights,
  ) {
    this.#kernel = tf.keep(tf.tensor4d(kernel, [3, 3, 3, outputs]));
    this.#bias = tf.keep(tf.tensor1d(bias));
  }

  forward(input: Tensor4D): Tensor4D {
    return this.run("ImageConvolution", [input, this.#kernel, this.#bias]) as Tensor4D;
  }

  backward(gradient: Tensor4D, output: Tensor4D): Tensor4D {
    return this.run("ImageConvolutionGradient", [gradient, output, this.#kernel]) as Tensor4D;
  }

  dispose(): void {
    tf.dispose([this.#kernel, this.#bias]);
  }
}
