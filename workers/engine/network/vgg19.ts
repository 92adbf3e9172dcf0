import type { Layer } from "../../../src/contract/network.ts";
import { type Tensor4D, tf } from "../tensorflow.ts";
import type { LayerWeights, Vgg19Weights } from "../weights/vgg19-weights.ts";
import { addGradients } from "./add-gradients.ts";
import type { Convolution, Kernels, Pooling } from "./kernels.ts";
import { type Stage, stagesUpTo } from "./stages.ts";

/** Mean of ImageNet in RGB, 0–255, which VGG-19 was trained without. */
const MEAN_RGB = [123.68, 116.779, 103.939];

/**
 * VGG-19 (Simonyan & Zisserman 2014) without its dense layers, forward and backward, stage by stage.
 *
 * The backward pass is written out instead of left to a tape: it keeps the ReLU outputs and nothing else, and
 * lets go of each as soon as it was used, which is what decides the peak of memory.
 */
export class Vgg19 {
  /** Those not yet on the device. */
  readonly #weights: Map<Layer, LayerWeights>;
  readonly #kernels: Kernels;
  readonly #convolutions = new Map<Layer, Convolution>();

  constructor(weights: Vgg19Weights, kernels: Kernels) {
    this.#weights = new Map(Object.entries(weights) as [Layer, LayerWeights][]);
    this.#kernels = kernels;
  }

  /** A picture `[1, h, w, 3]`, RGB in [0, 1] → the input of the first stage. */
  preprocess(image: Tensor4D): Tensor4D {
    return tf.tidy(() => image.mul(255).sub(MEAN_RGB));
  }

  /** Gradient with respect to preprocess()'s result → with respect to the picture. */
  preprocessGradient(gradient: Tensor4D): Tensor4D {
    return gradient.mul(255);
  }

  /** The output of every stage, in order. */
  forward(stages: readonly Stage[], input: Tensor4D, pooling: Pooling): Tensor4D[] {
    const outputs: Tensor4D[] = [];
    for (const stage of stages) {
      const before = outputs.at(-1) ?? input;
      outputs.push(
        stage.kind === "pooling"
          ? this.#kernels.pool(before, pooling)
          : this.#convolution(stage.layer).forward(before),
      );
    }
    return outputs;
  }

  /**
   * Gradient with respect to `input`, given what forward() returned; disposes of `outputs` on its way.
   *
   * @param gradientAt the loss's own gradient with respect to a stage's output, where it looks at that stage
   * @param last gradient that comes from stages after these, with respect to the last output
   */
  backward(
    stages: readonly Stage[],
    input: Tensor4D,
    outputs: Tensor4D[],
    pooling: Pooling,
    gradientAt: (layer: Layer, output: Tensor4D) => Tensor4D | undefined,
    last?: Tensor4D,
  ): Tensor4D | undefined {
    let gradient = last;
    for (const [index, stage] of [...stages.entries()].reverse()) {
      const output = outputs[index] as Tensor4D;
      const before = outputs[index - 1] ?? input;
      const own = stage.kind === "convolution" ? gradientAt(stage.layer, output) : undefined;
      gradient = addGradients(gradient, own);
      if (gradient !== undefined) {
        const after = gradient;
        gradient =
          stage.kind === "pooling"
            ? this.#kernels.poolGradient(after, before, output, pooling)
            : this.#convolution(stage.layer).backward(after, output);
        after.dispose();
      }
      output.dispose();
    }
    return gradient;
  }

  /** Put on the device when first used and kept for the next painting; the copy in JavaScript is let go. */
  #convolution(layer: Layer): Convolution {
    let convolution = this.#convolutions.get(layer);
    if (convolution === undefined) {
      const weights = this.#weights.get(layer) as LayerWeights;
      convolution = this.#kernels.convolution(weights.inputs === 3 ? forRgb(weights) : weights);
      this.#convolutions.set(layer, convolution);
      this.#weights.delete(layer);
    }
    return convolution;
  }

  /**
   * Puts the layers down to `deepest` on the device, so that a first step takes no longer than the next. What each
   * was made from is collected at once: together they would set the process's peak of memory.
   */
  warmUp(deepest: Layer): void {
    for (const stage of stagesUpTo(deepest)) {
      if (stage.kind === "convolution") {
        this.#convolution(stage.layer);
        collectGarbage();
      }
    }
  }

  dispose(): void {
    for (const convolution of this.#convolutions.values()) {
      convolution.dispose();
    }
    this.#convolutions.clear();
  }
}

/** The weights expect BGR: the first kernel's input channels are reversed once instead of every picture's. */
function forRgb(weights: LayerWeights): LayerWeights {
  const { kernel, outputs } = weights;
  const reversed = Float32Array.from(kernel, (_, index) => {
    const output = index % outputs;
    const input = Math.floor(index / outputs) % 3;
    const tap = Math.floor(index / outputs / 3);
    return kernel[(tap * 3 + 2 - input) * outputs + output] ?? 0;
  });
  return { ...weights, kernel: reversed };
}

/** Where Node was started with --expose-gc, as the engine process is. */
function collectGarbage(): void {
  globalThis.gc?.();
}
