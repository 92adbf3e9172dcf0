import type { EngineDescription } from "../../../src/contract/engine-description.ts";
import type { Tensor, Tensor2D, Tensor4D } from "../tensorflow.ts";
import type { LayerWeights } from "../weights/vgg19-weights.ts";

export type Pooling = "max" | "average";

/** What a stage gives on the way forward. */
export interface StageResult {
  output: Tensor4D;
  /** All that the way back needs of the stage, a thirtieth of the output where the kernels are our own. */
  trace: Tensor[];
}

/** A convolution 3×3 of stride 1 with zero padding, then bias and ReLU, ready to run on the device. */
export interface Convolution {
  /** Feature maps before the layer `[1, h, w, inputs]` → after its ReLU `[1, h, w, outputs]`. */
  forward(input: Tensor4D): StageResult;
  /** Gradient with respect to the layer's output → gradient with respect to its input. */
  backward(gradient: Tensor4D, trace: readonly Tensor[]): Tensor4D;
  dispose(): void;
}

/** The arithmetic of VGG-19, in more than one implementation; all give the same numbers up to rounding. */
export interface Kernels {
  readonly name: EngineDescription["kernels"];
  convolution(weights: LayerWeights): Convolution;
  /**
   * The first layer, from a picture in RGB, [0, 1], to its features: with the scale and the means that VGG-19 was
   * trained with. Its backward() gives the gradient with respect to the picture.
   */
  imageConvolution(weights: LayerWeights): Convolution;
  /** 2×2 with stride 2; a last odd row or column is dropped, as Keras does. */
  pool(input: Tensor4D, pooling: Pooling): StageResult;
  /** Gradient with respect to the pooled maps → with respect to pool()'s input, of that shape. */
  poolGradient(
    gradient: Tensor4D,
    trace: readonly Tensor[],
    shape: Tensor4D["shape"],
    pooling: Pooling,
  ): Tensor4D;
  /** Feature maps A, unrolled → the undivided Gram matrix AᵀA, `[channels, channels]`. */
  gramMatrix(features: Tensor4D): Tensor2D;
  /** Feature maps A and a matrix `[channels, channels]` → A·matrix, of A's shape. */
  channelProduct(features: Tensor4D, matrix: Tensor2D): Tensor4D;
}
