import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT } from "../../../src/root.ts";
import {
  type AttributeValue,
  runKernel,
  runKernelForMore,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tf,
} from "../tensorflow.ts";
import type { LayerWeights } from "../weights/vgg19-weights.ts";
import type { Convolution, Kernels, StageResult } from "./kernels.ts";
import { type Processor, processorsHere } from "./processor.ts";
import { tfjsKernels } from "./tfjs-kernels.ts";

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
  const run: Run = {
    one: (operation, inputs, attributes) => runKernel(prefix + operation, inputs, attributes),
    traced: (operation, inputs, attributes) => {
      const [output, ...trace] = runKernelForMore(prefix + operation, inputs, 2, attributes);
      return { output: output as Tensor4D, trace };
    },
  };
  /** Whether it is whole vectors that the kernels work on. */
  const isWhole = ([, , , channels]: Tensor4D["shape"]) => channels % CHANNELS === 0;
  return {
    name: processor,

    convolution: (weights) =>
      weights.inputs % CHANNELS === 0 && weights.outputs % CHANNELS === 0
        ? new WinogradConvolution(run, weights)
        : tfjsKernels.convolution(weights),

    imageConvolution: (weights) =>
      weights.outputs % CHANNELS === 0
        ? new ImageConvolution(run, weights)
        : tfjsKernels.imageConvolution(weights),

    pool: (input, pooling) =>
      isWhole(input.shape)
        ? run.traced("Pool", [input], { average: pooling === "average" })
        : tfjsKernels.pool(input, pooling),

    poolGradient: (gradient, trace, shape, pooling) => {
      if (!isWhole(shape)) {
        return tfjsKernels.poolGradient(gradient, trace, shape, pooling);
      }
      const [, height, width] = shape;
      const attributes = { average: pooling === "average", height, width };
      return run.one("PoolGradient", [gradient, ...trace], attributes) as Tensor4D;
    },

    gramMatrix: (features) =>
      isWhole(features.shape)
        ? (run.one("GramMatrix", [features]) as Tensor2D)
        : tfjsKernels.gramMatrix(features),

    channelProduct: (features, matrix) =>
      isWhole(features.shape)
        ? (run.one("ChannelProduct", [features, matrix]) as Tensor4D)
        : tfjsKernels.channelProduct(features, matrix),
  };
}

/** Runs a kernel by its name without the prefix. */
interface Run {
  one(operation: string, inputs: Tensor[], attributes?: Record<string, AttributeValue>): Tensor;
  traced(operation: string, inputs: Tensor[], attributes?: Record<string, AttributeValue>): StageResult;
}

/** Winograd's F(4×4, 3×3); keeps the plain kernel for both directions, packed. */
class WinogradConvolution implements Convolution {
  readonly #packed: Tensor;
  readonly #bias: Tensor;

  constructor(
    private readonly run: Run,
    { kernel, bias, inputs, outputs }: LayerWeights,
  ) {
    const plain = tf.tensor4d(kernel, [3, 3, inputs, outputs]);
    this.#packed = tf.keep(run.one("PackKernel", [plain]));
    this.#bias = tf.keep(tf.tensor1d(bias));
    plain.dispose();
  }

  forward(input: Tensor4D): StageResult {
    return this.run.traced("Convolution", [input, this.#packed, this.#bias]);
  }

  backward(gradient: Tensor4D, trace: readonly Tensor[]): Tensor4D {
    return this.run.one("ConvolutionGradient", [gradient, ...trace, this.#packed]) as Tensor4D;
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

  forward(input: Tensor4D): StageResult {
    return this.run.traced("ImageConvolution", [input, this.#kernel, this.#bias]);
  }

  backward(gradient: Tensor4D, trace: readonly Tensor[]): Tensor4D {
    return this.run.one("ImageConvolutionGradient", [gradient, ...trace, this.#kernel]) as Tensor4D;
  }

  dispose(): void {
    tf.dispose([this.#kernel, this.#bias]);
  }
}
