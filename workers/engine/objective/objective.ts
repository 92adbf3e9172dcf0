import type { Layer, LayerWeights } from "../../../src/contract/network.ts";
import type { Options } from "../../../src/contract/options.ts";
import { addGradients } from "../network/add-gradients.ts";
import { Pass } from "../network/pass.ts";
import { deepestLayer, stagesUpTo } from "../network/stages.ts";
import type { Vgg19 } from "../network/vgg19.ts";
import { type Tensor, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { ContentLoss } from "./content-loss.ts";
import { GramAccumulator, StyleLoss, timesMatrix } from "./style-loss.ts";
import { totalVariation } from "./total-variation.ts";

/** Loss and gradient at one picture. `gradient` has the picture's shape and is the caller's to dispose of. */
export interface Evaluation {
  loss: { total: number; content: number; style: number; tv: number };
  gradient: Tensor4D;
}

/** What the objective is made of: the part of the options that the loss depends on. */
export type ObjectiveOptions = Pick<
  Options,
  "loss" | "content_weight" | "style_weight" | "content_layers" | "style_layers" | "tv_weight" | "pooling"
>;

/**
 * J = α·J_content + β·J_style + total variation (Gatys et al. 2015, eq. 7), at one size.
 *
 * The targets are computed once, from the content at the picture's own size and the styles at theirs.
 *
 * The shallow blocks can be computed strip by strip: Gram matrices add up over strips, and the backward pass computes
 * a strip's activations anew when it needs them. The result is the same; the memory is that of one strip.
 */
export class Objective {
  readonly #network: Vgg19;
  readonly #options: ObjectiveOptions;
  readonly #stripRows: number;
  readonly #contentLosses = new Map<Layer, ContentLoss>();
  readonly #styleLosses = new Map<Layer, StyleLoss>();

  /**
   * @param content `[1, h, w, 3]`, RGB in [0, 1], of the size that the pictures to evaluate have
   * @param styles the same of any size; their Gram matrices are averaged
   * @param stripRows rows of a strip, see network/strips.ts; Infinity for the whole picture at once
   */
  constructor(
    network: Vgg19,
    options: ObjectiveOptions,
    content: Tensor4D,
    styles: readonly Tensor4D[],
    stripRows = Number.POSITIVE_INFINITY,
  ) {
    this.#network = network;
    this.#options = options;
    this.#stripRows = stripRows;
    this.#aimAtContent(content);
    this.#aimAtStyles(styles);
  }

  evaluate(image: Tensor4D): Evaluation {
    const [gradient, losses] = tf.tidy(() => {
      const { loss: tv, gradient: tvGradient } = totalVariation(image, this.#options.tv_weight);
      const { content, style, gradient: networkGradient } = this.#evaluateNetwork(image);
      const gradient =
        networkGradient === undefined ? tvGradient : (tf.add(networkGradient, tvGradient) as Tensor4D);
      return [gradient, tf.stack([addAll(content), addAll(style), tv])] as const;
    });
    const [content = Number.NaN, style = Number.NaN, tv = Number.NaN] = losses.dataSync();
    losses.dispose();
    return { loss: { total: content + style + tv, content, style, tv }, gradient };
  }

  #evaluateNetwork(image: Tensor4D): { content: Tensor[]; style: Tensor[]; gradient: Tensor4D | undefined } {
    const layers = [...this.#contentLosses.keys(), ...this.#styleLosses.keys()];
    const pass = new Pass(
      this.#network,
      stagesUpTo(deepestLayer(layers)),
      this.#options.pooling,
      this.#stripRows,
    );
    const grams = new Map<Layer, GramAccumulator>();
    for (const layer of this.#styleLosses.keys()) {
      grams.set(layer, new GramAccumulator());
    }
    const content: Tensor[] = [];
    pass.forward(image, (layer, features) => grams.get(layer)?.add(features));
    const style: Tensor[] = [];
    const matrices = new Map<Layer, Tensor2D>();
    for (const [layer, styleLoss] of this.#styleLosses) {
      const { gram, positions } = (grams.get(layer) as GramAccumulator).finish();
      const { loss, matrix } = styleLoss.evaluate(gram, positions);
      gram.dispose();
      style.push(loss);
      matrices.set(layer, matrix);
    }
    const gradient = pass.backward(image, (layer, features, firstRow) => {
      const matrix = matrices.get(layer);
      const contentTerm = this.#contentLosses.get(layer)?.evaluate(features, firstRow);
      if (contentTerm !== undefined) {
        content.push(contentTerm.loss);
      }
      return addGradients(contentTerm?.gradient, matrix && timesMatrix(features, matrix));
    });
    return { content, style, gradient };
  }

  #aimAtContent(content: Tensor4D): void {
    const layers = weightedLayers(this.#options.content_layers, this.#options.content_weight);
    const pieces = new Map<Layer, Tensor4D[]>(layers.map(([layer]) => [layer, []]));
    this.#look(content, layers, (layer, features) => pieces.get(layer)?.push(tf.keep(features.clone())));
    for (const [layer, weight] of layers) {
      const rows = pieces.get(layer) ?? [];
      const target = tf.concat(rows, 1) as Tensor4D;
      this.#contentLosses.set(layer, new ContentLoss(target, weight, this.#options.loss));
      tf.dispose(rows);
    }
  }

  #aimAtStyles(styles: readonly Tensor4D[]): void {
    const layers = weightedLayers(this.#options.style_layers, this.#options.style_weight);
    const grams = new Map<Layer, Tensor2D[]>(layers.map(([layer]) => [layer, []]));
    for (const style of styles) {
      const sums = new Map(layers.map(([layer]) => [layer, new GramAccumulator()]));
      this.#look(style, layers, (layer, features) => sums.get(layer)?.add(features));
      for (const [layer, sum] of sums) {
        grams.get(layer)?.push(sum.finish().gram);
      }
    }
    for (const [layer, weight] of layers) {
      const all = grams.get(layer) ?? [];
      const target = tf.tidy(() => tf.addN(all).div(all.length) as Tensor2D);
      this.#styleLosses.set(layer, new StyleLoss(target, weight, this.#options.loss));
      tf.dispose(all);
    }
  }

  /** Shows some layers' feature maps of a picture, piece by piece from top to bottom, to be kept or cloned. */
  #look(picture: Tensor4D, layers: [Layer, number][], see: (layer: Layer, features: Tensor4D) => void): void {
    const stages = stagesUpTo(deepestLayer(layers.map(([layer]) => layer)));
    const wanted = new Set(layers.map(([layer]) => layer));
    tf.tidy(() => {
      const pass = new Pass(this.#network, stages, this.#options.pooling, this.#stripRows);
      pass.forward(picture, (layer, features) => wanted.has(layer) && see(layer, features));
    });
  }

  dispose(): void {
    for (const loss of [...this.#contentLosses.values(), ...this.#styleLosses.values()]) {
      loss.dispose();
    }
    this.#contentLosses.clear();
    this.#styleLosses.clear();
  }
}

/** Each layer with its weight times the term's, those of weight 0 left out. */
function weightedLayers(weights: LayerWeights, termWeight: number): [Layer, number][] {
  return Object.entries(weights)
    .map(([layer, weight]): [Layer, number] => [layer as Layer, weight * termWeight])
    .filter(([, weight]) => weight > 0);
}

function addAll(terms: Tensor[]): Tensor {
  return terms.length === 0 ? tf.scalar(0) : tf.addN(terms);
}
