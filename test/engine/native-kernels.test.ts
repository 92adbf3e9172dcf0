import { describe, expect, it } from "@jest/globals";
import type { Kernels, StageResult } from "../../workers/engine/network/kernels.ts";
import { nativeKernels } from "../../workers/engine/network/native-kernels.ts";
import { processorsHere } from "../../workers/engine/network/processor.ts";
import { stockKernels } from "../../workers/engine/network/stock-kernels.ts";
import { type Tensor, type Tensor2D, type Tensor4D, tf } from "../../workers/engine/tensorflow.ts";
import type { LayerWeights } from "../../workers/engine/weights/vgg19-weights.ts";

/** Winograd's rounding error is about twice that of the direct convolution, 1e-6; a wrong sum misses it by orders. */
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
const CASES: [number, number, number, number][] = [
  ...SIZES.map((size) => [...size, 64, 64] as [number, number, number, number]),
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

    const pools = [
      ["max", 16, 24],
      ["max", 13, 7],
      ["average", 16, 24],
      ["average", 13, 7],
    ] as const;
    it.each(pools)("%s pooling and its gradient, %i × %i", (pooling, height, width) => {
      tf.tidy(() => {
        const input = tf.relu(random([1, height, width, 32], 1));
        const [ours, stock] = [native.pool(input, pooling), stockKernels.pool(input, pooling)];
        expect(distance(ours.output, stock.output)).toBeLessThan(1e-6);
        const gradient = random(ours.output.shape, 2);
        const back = (kernels: Kernels, { trace }: StageResult) =>
          kernels.poolGradient(gradient, trace, input.shape, pooling);
        expect(distance(back(native, ours), back(stockKernels, stock))).toBeLessThan(1e-6);
      });
    });

    it.each([
      [1, 16],
      [37, 48],
      [600, 64],
      [1300, 144],
      [301, 512],
    ])("Gram matrix, %i positions of %i channels", (positions, channels) => {
      tf.tidy(() => {
        const features = tf.relu(tf.randomNormal([positions, channels], 0, 1, "float32", 6)) as Tensor2D;
        const gram = native.gramMatrix(features);
        expect(distance(gram, stockKernels.gramMatrix(features))).toBeLessThan(1e-6);
        expect(distance(gram, gram.transpose())).toBe(0);
      });
    });

    it("of equal maxima the first one takes the gradient", () => {
      tf.tidy(() => {
        const input = tf.ones([1, 4, 4, 16]) as Tensor4D;
        const gradient = random([1, 2, 2, 16], 3);
        const [gave, expected] = [native, stockKernels].map((kernels) =>
          kernels.poolGradient(gradient, kernels.pool(input, "max").trace, input.shape, "max"),
        ) as [Tensor4D, Tensor4D];
        expect(distance(gave, expected)).toBe(0);
      });
    });
  },
);

function compareConvolutions(
  native: Kernels,
  height: number,
  width: number,
  inputs: number,
  outputs: number,
): void {
  const weights = randomLayer(inputs, outputs);
  const [ours, stock] = [native.convolution(weights), stockKernels.convolution(weights)];
  tf.tidy(() => {
    const input = random([1, height, width, inputs], 1);
    const [given, expected] = [ours.forward(input), stock.forward(input)];
    const gradient = random([1, height, width, outputs], 2);
    expect(distance(given.output, expected.output)).toBeLessThan(CONVOLUTION_BOUND);
    // Where a sum is as good as 0 its rounding decides whether the ReLU is open.
    const isClear = given.output.equal(expected.output).logicalOr(expected.output.greater(1e-4));
    const clear = gradient.mul(isClear.toFloat()) as Tensor4D;
    expect(distance(ours.backward(clear, given.trace), stock.backward(clear, expected.trace))).toBeLessThan(
      CONVOLUTION_BOUND,
    );
  });
  ours.dispose();
  stock.dispose();
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

/** ‖a − b‖ / ‖b‖. */
function distance(a: Tensor, b: Tensor): number {
  const [value = Number.NaN] = tf.tidy(() => tf.div(tf.norm(tf.sub(a, b)), tf.norm(b)).dataSync());
  return value;
}
