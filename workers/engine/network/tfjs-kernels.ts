import { runKernel, type Tensor, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import type { LayerWeights } from "../weights/vgg19-weights.ts";
import type { Convolution, Kernels, StageResult } from "./kernels.ts";

/** VGG-19 on TensorFlow's own kernels: cuDNN on a GPU, and the measure of every other implementation. */
export const tfjsKernels: Kernels = {
  name: "tfjs",

  convolution: (weights) => new TfjsConvolution(weights),
  imageConvolution: (weights) => new TfjsImageConvolution(weights),

  pool: (input, pooling) => {
    if (pooling === "average") {
      return { output: tf.avgPool(input, 2, 2, "valid"), trace: [] };
    }
    const output = tf.maxPool(input, 2, 2, "valid");
    return { output, trace: [input.clone(), output.clone()] };
  },

  poolGradient: (gradient, trace, shape, pooling) =>
    pooling === "max"
      ? (runKernel("MaxPoolGrad", [...trace, gradient], POOL) as Tensor4D)
      : averagePoolGradient(gradient, shape),

  gramMatrix: (features) =>
    tf.tidy(() => {
      const unrolled = features.reshape<Tensor2D>([-1, features.shape[3]]);
      return tf.matMul(unrolled, unrolled, true, false);
    }),

  channelProduct: (features, matrix) =>
    tf.tidy(() => {
      const unrolled = features.reshape<Tensor2D>([-1, features.shape[3]]);
      return tf.matMul(unrolled, matrix).reshape(features.shape);
    }),
};

const POOL = { ksize: [1, 2, 2, 1], strides: [1, 2, 2, 1], padding: "VALID", data_format: "NHWC" };

/** Mean of ImageNet in RGB, 0–255, which VGG-19 was trained without. */
const MEAN_RGB = [123.68, 116.779, 103.939];

class TfjsConvolution implements Convolution {
  readonly #kernel: Tensor4D;
  readonly #bias;
  readonly #flipped: Tensor4D;

  constructor({ kernel, bias, inputs, outputs }: LayerWeights) {
    this.#kernel = tf.keep(tf.tensor4d(kernel, [3, 3, inputs, outputs]));
    this.#bias = tf.keep(tf.tensor1d(bias));
    // The gradient with respect to the input of a convolution of stride 1 is a convolution with the kernel flipped
    // in space and transposed in channels; on CPUs it runs three times as fast as TensorFlow's input-gradient kernel.
    this.#flipped = tf.keep(tf.tidy(() => tf.reverse(this.#kernel, [0, 1]).transpose([0, 1, 3, 2])));
  }

  forward(input: Tensor4D): StageResult {
    const output = tf.fused.conv2d({
      x: input,
      filter: this.#kernel,
      strides: 1,
      pad: "same",
      bias: this.#bias,
      activation: "relu",
    });
    return { output, trace: [output.clone()] };
  }

  backward(gradient: Tensor4D, trace: readonly Tensor[]): Tensor4D {
    return tf.tidy(() =>
      tf.conv2d(runKernel("ReluGrad", [gradient, ...trace]) as Tensor4D, this.#flipped, 1, "same"),
    );
  }

  dispose(): void {
    tf.dispose([this.#kernel, this.#bias, this.#flipped]);
  }
}

class TfjsImageConvolution implements Convolution {
  readonly #convolution: TfjsConvolution;

  constructor(weights: LayerWeights) {
    this.#convolution = new TfjsConvolution(weights);
  }

  forward(image: Tensor4D): StageResult {
    const input = tf.tidy(() => image.mul(255).sub(MEAN_RGB)) as Tensor4D;
    const result = this.#convolution.forward(input);
    input.dispose();
    return result;
  }

  backward(gradient: Tensor4D, trace: readonly Tensor[]): Tensor4D {
    return tf.tidy(() => this.#convolution.backward(gradient, trace).mul(255));
  }

  dispose(): void {
    this.#convolution.dispose();
  }
}

function averagePoolGradient(gradient: Tensor4D, shape: Tensor4D["shape"]): Tensor4D {
  return tf.tidy(() => {
    const [, height, width, channels] = gradient.shape;
    const quarter = gradient.mul(0.25).reshape([height, 1, width, 1, channels]);
    const spread = tf
      .tile(quarter, [1, 2, 1, 2, 1])
      .reshape([1, height * 2, width * 2, channels]) as Tensor4D;
    const [oddRow, oddColumn] = [shape[1] - height * 2, shape[2] - width * 2];
    return tf.pad(spread, [
      [0, 0],
      [0, oddRow],
      [0, oddColumn],
      [0, 0],
    ]);
  });
}
