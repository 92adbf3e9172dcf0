import { describe, expect, it } from "@jest/globals";
import type { Convolution, Kernels, Pooling, StageResult } from "../../workers/engine/network/kernels.ts";
import { nativeKernels } from "../../workers/engine/network/native-kernels.ts";
import { processorsHere } from "../../workers/engine/network/processor.ts";
import { tfjsKernels } from "../../workers/engine/network/tfjs-kernels.ts";
import { type Tensor, type Tensor2D, type Tensor4D, tf } from "../../workers/engine/tensorflow.ts";
import type { LayerWeights } from "../../workers/engine/weights/vgg19-weights.ts";
import { convolve } from "./float64-reference.ts";

/** The two differ by their rounding, up to 1e-6; a wrong sum misses it by orders. */
const CONVOLUTION_BOUND = 1e-5;

/** Heights and widths: a single tile, whole tiles, odd ones, one row, more tiles than are in flight at once. */
const SIZES: [number, number][] = [
  [4, 4],
  [16, 24],
  [13, 7],
  [1, 9],
  [67, 130],
];
/** Whole panels, half of one, more than one piece of the depth. */
const CHANNELS: [number, number][] = [
  [16, 16],
  [48, 128],
  [144, 80],
  [512, 16],
];
/** Few inputs, whose way forward has tiles of 2 × 2, and more, with tiles of 4 × 4 both ways. */
const CASES: [number, number, number, number][] = [
  ...SIZES.map((size) => [...size, 64, 64] as [number, number, number, number]),
  ...SIZES.map((size) => [...size, 144, 64] as [number, number, number, number]),
  ...CHANNELS.map((channels) => [13, 23, ...channels] as [number, number, number, number]),
];

it("Kernels for this processor are built: run npm run setup where this fails", () => {
  expect(nativeKernels().map(({ name }) => name)).toEqual(processorsHere());
});

describe.each(nativeKernels().map((kernels) => [kernels.name, kernels] as const))(
  "%s kernels agree with TensorFlow's own",
  (_name, native) => {
    it.each(CASES)(
      "convolution with bias and ReLU, both directions, %i × %i, %i → %i channels",
      (...parameters) => {
        compareConvolutions(native, ...parameters);
      },
    );

    it.each(SIZES)("the first layer's convolution, both directions, %i × %i", (height, width) => {
      compareConvolutions(native, height, width, 3, 64);
    });

    /**
     * Inputs, outputs, and the distance from float64 that is allowed. TensorFlow's direct convolution has 1.1, 2.1, 2.8 and
     * 3.9 · 10⁻⁷; tiles of 4 × 4 and sums of 128 terms would have 2.2, 2.7 and 2.8 · 10⁻⁷ in the last three.
     */
    it.each([
      [3, 64, 5e-8],
      [64, 64, 1e-7],
      [128, 128, 1e-7],
      [256, 64, 2.3e-7],
    ])("convolution rounds little, %i → %i channels", (inputs, outputs, bound) => {
      const [height, width] = [19, 22];
      const weights = randomLayer(inputs, outputs);
      const convolution = inputs === 3 ? native.imageConvolution(weights) : native.convolution(weights);
      tf.tidy(() => {
        const input = tf.randomUniform([1, height, width, inputs], 0, 1, "float32", 7) as Tensor4D;
        const data = Float64Array.from(input.dataSync<"float32">());
        const expected = convolve(
          { height, width, channels: inputs, data: inputs === 3 ? preprocessed(data) : data },
          weights,
        );
        const { output } = convolution.forward(input);
        expect(relativeError(output.dataSync<"float32">(), expected.data)).toBeLessThan(bound);
      });
      convolution.dispose();
    });

    it.each([
      ["max", 16, 24],
      ["max", 13, 7],
      ["average", 16, 24],
      ["average", 13, 7],
    ] as const)("%s pooling and its gradient, %i × %i", (pooling, height, width) => {
      comparePooling(native, [1, height, width, 32], pooling);
    });

    it.each([
      [1, 1, 16],
      [1, 37, 48],
      [25, 24, 64],
      [130, 40, 48],
      [43, 7, 512],
      [200, 150, 16],
    ])(
      "Gram matrices and products of channels, %i × %i positions of %i channels",
      (height, width, channels) => {
        tf.tidy(() => {
          const features = tf.relu(random([1, height, width, channels], 6)) as Tensor4D;
          const gram = native.gramMatrix(features);
          expect(distance(gram, tfjsKernels.gramMatrix(features))).toBeLessThan(1e-6);
          expect(distance(gram, gram.transpose())).toBe(0);
          const matrix = tf.randomNormal([channels, channels], 0, 1, "float32", 7) as Tensor2D;
          const product = native.channelProduct(features, matrix);
          expect(distance(product, tfjsKernels.channelProduct(features, matrix))).toBeLessThan(1e-6);
        });
      },
    );

    it("of equal maxima the first one takes the gradient", () => {
      tf.tidy(() => {
        const input = tf.ones([1, 4, 4, 16]) as Tensor4D;
        const gradient = random([1, 2, 2, 16], 3);
        const [gave, expected] = [native, tfjsKernels].map((kernels) =>
          kernels.poolGradient(gradient, kernels.pool(input, "max").trace, input.shape, "max"),
        ) as [Tensor4D, Tensor4D];
        expect(distance(gave, expected)).toBe(0);
      });
    });
  },
);

function layerOf(kernels: Kernels, weights: LayerWeights): Convolution {
  return weights.inputs === 3 ? kernels.imageConvolution(weights) : kernels.convolution(weights);
}

function compareConvolutions(
  native: Kernels,
  height: number,
  width: number,
  inputs: number,
  outputs: number,
): void {
  const weights = randomLayer(inputs, outputs);
  const [ours, tfjs] = [layerOf(native, weights), layerOf(tfjsKernels, weights)];
  tf.tidy(() => {
    const input = random([1, height, width, inputs], 1);
    const [given, expected] = [ours.forward(input), tfjs.forward(input)];
    const gradient = random([1, height, width, outputs], 2);
    expect(distance(given.output, expected.output)).toBeLessThan(CONVOLUTION_BOUND);
    // Where a sum is as good as 0 its rounding decides whether the ReLU is open.
    const isClear = given.output.equal(expected.output).logicalOr(expected.output.greater(1e-4));
    const clear = gradient.mul(isClear.toFloat()) as Tensor4D;
    expect(distance(ours.backward(clear, given.trace), tfjs.backward(clear, expected.trace))).toBeLessThan(
      CONVOLUTION_BOUND,
    );
  });
  ours.dispose();
  tfjs.dispose();
}

function comparePooling(native: Kernels, shape: Tensor4D["shape"], pooling: Pooling): void {
  tf.tidy(() => {
    const input = tf.relu(random(shape, 1));
    const [ours, tfjs] = [native.pool(input, pooling), tfjsKernels.pool(input, pooling)];
    expect(distance(ours.output, tfjs.output)).toBeLessThan(1e-6);
    const gradient = random(ours.output.shape, 2);
    const back = (kernels: Kernels, { trace }: StageResult) =>
      kernels.poolGradient(gradient, trace, input.shape, pooling);
    expect(distance(back(native, ours), back(tfjsKernels, tfjs))).toBeLessThan(1e-6);
  });
}

function randomLayer(inputs: number, outputs: number): LayerWeights {
  return tf.tidy(() => ({
    inputs,
    outputs,
    kernel: tf
      .randomNormal([9 * inputs * outputs], 0, 1 / Math.sqrt(9 * inputs), "float32", 4)
      .dataSync<"float32">(),
    bias: tf.randomNormal([outputs], 0, 1, "float32", 5).dataSync<"float32">(),
  }));
}

function random(shape: [number, number, number, number], seed: number): Tensor4D {
  return tf.randomNormal(shape, 0, 1, "float32", seed);
}

/** RGB in [0, 1] → what VGG-19 was trained with. */
function preprocessed(image: Float64Array): Float64Array {
  const mean = [123.68, 116.779, 103.939];
  return image.map((value, index) => 255 * value - (mean[index % 3] as number));
}

/** ‖a − b‖ / ‖b‖, in float64. */
function relativeError(a: Float32Array, b: Float64Array): number {
  const squares = (values: Float64Array) => values.reduce((total, value) => total + value * value, 0);
  return Math.sqrt(squares(b.map((value, index) => (a[index] as number) - value)) / squares(b));
}

/** ‖a − b‖ / ‖b‖. */
function distance(a: Tensor, b: Tensor): number {
  const [value = Number.NaN] = tf.tidy(() => tf.div(tf.norm(tf.sub(a, b)), tf.norm(b)).dataSync());
  return value;
}
