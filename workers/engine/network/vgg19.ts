import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import { type Tensor, type Tensor4D, tf } from "../tensorflow.ts";
import type { LayerWeights, Vgg19Weights } from "../weights/vgg19-weights.ts";
import { addGradients } from "./add-gradients.ts";
import type { Convolution, Kernels, Pooling } from "./kernels.ts";
import { type Stage, stagesUpTo } from "./stages.ts";

/** What is kept of a stage between the forward and the backward pass. */
export interface SavedStage {
  stage: Stage;
  inputShape: Tensor4D["shape"];
  /** If it is captured. */
  output: Tensor4D | undefined;
  trace: Tensor[];
}

/** Disposes of stages that have no backward pass. */
export function disposeSaved(saved: readonly SavedStage[]): void {
  tf.dispose(saved.flatMap(({ output, trace }) => (output === undefined ? trace : [output, ...trace])));
}

/**
 * VGG-19 (Simonyan & Zisserman 2014) without its dense layers, forward and backward, stage by stage.
 *
 * The backward pass is written out instead of left to a tape: it keeps the layers that the losses compare, and of the
 * rest a few bits for each number, and disposes of each after its use. That decides the peak of memory.
 */
export class Vgg19 {
  /** Those not yet on the device. */
  readonly #weights: Map<Layer, LayerWeights>;
  readonly #convolutions = new Map<Layer, Convolution>();

  constructor(
    weights: Vgg19Weights,
    readonly kernels: Kernels,
  ) {
    this.#weights = new Map(Object.entries(weights) as [Layer, LayerWeights][]);
  }

  /**
   * Through some stages. Of each stage the trace is kept for the way back, and the output only if it is captured:
   * the traces are a few hundredths of the outputs.
   */
  forward(
    stages: readonly Stage[],
    input: Tensor4D,
    pooling: Pooling,
    captured: ReadonlySet<Layer>,
  ): { last: Tensor4D; saved: SavedStage[] } {
    let last = input.clone();
    const saved = stages.map((stage): SavedStage => {
      const before = last;
      const { output, trace } =
        stage.kind === "pooling"
          ? this.kernels.pool(before, pooling)
          : this.#convolution(stage.layer).forward(before);
      before.dispose();
      last = output;
      const isKept = stage.kind === "convolution" && captured.has(stage.layer);
      return { stage, inputShape: before.shape, output: isKept ? output.clone() : undefined, trace };
    });
    return { last, saved };
  }

  /**
   * Gradient with respect to the first stage's input; disposes of what forward() kept on its way.
   *
   * @param gradientAt the loss's own gradient with respect to the output of a captured layer
   * @param last gradient that comes from stages after these, with respect to the last output; disposed of
   */
  backward(
    saved: readonly SavedStage[],
    pooling: Pooling,
    gradientAt: (layer: Layer, output: Tensor4D) => Tensor4D | undefined,
    last?: Tensor4D,
  ): Tensor4D | undefined {
    let gradient = last;
    for (const { stage, inputShape, output, trace } of saved.toReversed()) {
      if (stage.kind === "convolution" && output !== undefined) {
        const own = gradientAt(stage.layer, output);
        output.dispose();
        gradient = addGradients(gradient, own);
      }
      if (gradient !== undefined) {
        const after = gradient;
        gradient =
          stage.kind === "pooling"
            ? this.kernels.poolGradient(after, trace, inputShape, pooling)
            : this.#convolution(stage.layer).backward(after, trace);
        after.dispose();
      }
      tf.dispose(trace);
    }
    return gradient;
  }

  /** Put on the device when first used and kept for the next painting; the copy in JavaScript is dropped. */
  #convolution(layer: Layer): Convolution {
    let convolution = this.#convolutions.get(layer);
    if (convolution === undefined) {
      const weights = this.#weights.get(layer) as LayerWeights;
      convolution =
        weights.inputs === 3
          ? this.kernels.imageConvolution(forRgb(weights))
          : this.kernels.convolution(weights);
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
