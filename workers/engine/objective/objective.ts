import type { Layer, LayerWeights } from "../../../src/contract/network.ts";
import type { Options } from "../../../src/contract/options.ts";
import { deepestLayer, stagesUpTo } from "../network/stages.ts";
import type { Vgg19 } from "../network/vgg19.ts";
import { type Tensor, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { ContentLoss } from "./content-loss.ts";
import { gramSum, StyleLoss, timesMatrix } from "./style-loss.ts";
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
 */
export class Objective {
  readonly #network: Vgg19;
  readonly #options: ObjectiveOptions;
  readonly #contentLosses = new Map<Layer, ContentLoss>();
  readonly #styleLosses = new Map<Layer, StyleLoss>();

  /**
   * @param content `[1, h, w, 3]`, RGB in [0, 1], of the size that the pictures to evaluate have
   * @param styles the same of any size; their Gram matrices are averaged
   */
  constructor(network: Vgg19, options: ObjectiveOptions, content: Tensor4D, styles: readonly Tensor4D[]) {
    this.#network = network;
    this.#options = options;
    this.#aimAtContent(content);
    this.#aimAtStyles(styles);
  }

  /** Layers whose weight and whose term's weight are above 0. */
  get #contentLayers(): [Layer, number][] {
    return weightedLayers(this.#options.content_layers, this.#options.content_weight);
  }

  get #styleLayers(): [Layer, number][] {
    return weightedLayers(this.#options.style_layers, this.#options.style_weight);
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

  #evaluateNetwork(image: Tensor4D) {
    const { pooling } = this.#options;
    const stages = stagesUpTo(deepestLayer([...this.#contentLosses.keys(), ...this.#styleLosses.keys()]));
    const content: Tensor[] = [];
    const style: Tensor[] = [];
    const gradientAt = (layer: Layer, features: Tensor4D): Tensor4D | undefined => {
      const gradients: Tensor4D[] = [];
      const contentTerm = this.#contentLosses.get(layer)?.evaluate(features);
      if (contentTerm !== undefined) {
        content.push(contentTerm.loss);
        gradients.push(contentTerm.gradient);
      }
      const styleLoss = this.#styleLosses.get(layer);
      if (styleLoss !== undefined) {
        const { loss, matrix } = styleLoss.evaluate(gram(features), positions(features));
        style.push(loss);
        gradients.push(timesMatrix(features, matrix));
        matrix.dispose();
      }
      return gradients.length < 2 ? gradients[0] : (tf.addN(gradients) as Tensor4D);
    };
    const input = this.#network.preprocess(image);
    const outputs = this.#network.forward(stages, input, pooling);
    const gradient = this.#network.backward(stages, input, outputs, pooling, gradientAt);
    return { content, style, gradient: gradient && this.#network.preprocessGradient(gradient) };
  }

  #aimAtContent(content: Tensor4D): void {
    const layers = this.#contentLayers;
    this.#look(content, layers, (layer, weight, features) => {
      this.#contentLosses.set(layer, new ContentLoss(features.clone(), weight, this.#options.loss));
    });
  }

  #aimAtStyles(styles: readonly Tensor4D[]): void {
    const layers = this.#styleLayers;
    const grams = new Map<Layer, Tensor2D[]>(layers.map(([layer]) => [layer, []]));
    for (const style of styles) {
      this.#look(style, layers, (layer, _weight, features) => {
        grams.get(layer)?.push(tf.keep(gram(features)));
      });
    }
    for (const [layer, weight] of layers) {
      const all = grams.get(layer) ?? [];
      const target = tf.tidy(() => tf.addN(all).div(all.length) as Tensor2D);
      this.#styleLosses.set(layer, new StyleLoss(target, weight, this.#options.loss));
      tf.dispose(all);
    }
  }

  /** Shows some layers' feature maps of a picture; they are gone when this returns, unless kept or cloned. */
  #look(
    picture: Tensor4D,
    layers: [Layer, number][],
    see: (layer: Layer, weight: number, features: Tensor4D) => void,
  ): void {
    tf.tidy(() => {
      const stages = stagesUpTo(deepestLayer(layers.map(([layer]) => layer)));
      const outputs = this.#network.forward(stages, this.#network.preprocess(picture), this.#options.pooling);
      for (const [layer, weight] of layers) {
        const index = stages.findIndex((stage) => stage.kind === "convolution" && stage.layer === layer);
        see(layer, weight, outputs[index] as Tensor4D);
      }
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

function positions(features: Tensor4D): number {
  return features.shape[1] * features.shape[2];
}

/** The Gram matrix AᵀA / (n_H·n_W). */
function gram(features: Tensor4D): Tensor2D {
  return tf.tidy(() => gramSum(features).div(positions(features)));
}

function addAll(terms: Tensor[]): Tensor {
  return terms.length === 0 ? tf.scalar(0) : tf.addN(terms);
}
