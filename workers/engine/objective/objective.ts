import type { Options } from "../../../src/contract/options.ts";
import type { Layer, LayerWeights } from "../../../src/contract/vgg19-layers.ts";
import { addGradients } from "../network/add-gradients.ts";
import { Pass } from "../network/pass.ts";
import type { Vgg19 } from "../network/vgg19.ts";
import { type Tensor, type Tensor4D, tf } from "../tensorflow.ts";
import { ContentLoss } from "./content-loss.ts";
import { Guidance } from "./guidance.ts";
import { type See, StyledRegion, type StyleRegion } from "./styled-region.ts";
import { totalVariation } from "./total-variation.ts";

/** Loss and gradient at one picture. `gradient` has the picture's shape and is the caller's to dispose of. */
export interface Evaluation {
  loss: { total: number; content: number; style: number; tv: number };
  gradient: Tensor4D;
}

/** What the objective is made of: the part of the options that the loss depends on. */
export type ObjectiveOptions = Pick<
  Options,
  | "loss"
  | "content_weight"
  | "style_weight"
  | "content_layers"
  | "style_layers"
  | "style_distance"
  | "style_windows"
  | "tv_weight"
  | "pooling"
>;

/** What a picture is to be like. All tensors are their owner's, and may go once the objective is made. */
export interface Targets {
  /** `[1, h, w, 3]`, RGB in [0, 1], of the size that the pictures to evaluate have. */
  content: Tensor4D;
  /** `[1, h, w, 1]` in [0, 1]: how much of the content counts at each pixel; all of it where left out. */
  visible?: Tensor4D | undefined;
  /** Which styles go where. */
  regions: readonly StyleRegion[];
}

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
  readonly #stripRows: number;
  readonly #options: ObjectiveOptions;
  readonly #visible: Guidance | undefined;
  readonly #contentLosses = new Map<Layer, ContentLoss>();
  readonly #regions: StyledRegion[] = [];

  /** @param stripRows rows of a strip, see network/strips.ts; Infinity for the whole picture at once */
  constructor(
    network: Vgg19,
    options: ObjectiveOptions,
    { content, visible, regions }: Targets,
    stripRows = Number.POSITIVE_INFINITY,
  ) {
    this.#network = network;
    this.#options = options;
    this.#stripRows = stripRows;
    try {
      this.#visible = visible && new Guidance(visible);
      this.#aimAtContent(content);
      const layers = weightedLayers(options.style_layers, options.style_weight);
      const look = (picture: Tensor4D, see: See) => this.#look(picture, layers, see);
      const [, height, width] = content.shape;
      for (const region of regions) {
        const styled = new StyledRegion(region, { width, height }, layers, options, look, network.kernels);
        this.#regions.push(styled);
      }
    } catch (error) {
      this.dispose(); // the memory that ran out is there for the next painting
      throw error;
    }
  }

  /** Loss and gradient at a picture `[1, h, w, 3]`. */
  evaluate(picture: Tensor4D): Evaluation {
    const [gradient, losses] = tf.tidy(() => {
      const { loss: tv, gradient: tvGradient } = totalVariation(picture, this.#options.tv_weight);
      const { content, style, gradient: networkGradient } = this.#evaluateNetwork(picture);
      const gradient =
        networkGradient === undefined ? tvGradient : tf.add<Tensor4D>(networkGradient, tvGradient);
      return [gradient, tf.stack([addAll(content), addAll(style), tv])] as const;
    });
    const [content = Number.NaN, style = Number.NaN, tv = Number.NaN] = losses.dataSync();
    losses.dispose();
    return { loss: { total: content + style + tv, content, style, tv }, gradient };
  }

  /** The losses of each layer and piece, and the gradient through the network; undefined where no layer is looked at. */
  #evaluateNetwork(picture: Tensor4D): {
    content: Tensor[];
    style: Tensor[];
    gradient: Tensor4D | undefined;
  } {
    const layers = [...this.#contentLosses.keys(), ...this.#regions.flatMap((region) => region.layers)];
    const pass = new Pass(this.#network, layers, this.#options.pooling, this.#stripRows);
    const content: Tensor[] = [];
    pass.forward(picture, (layer, features, firstRow) => {
      for (const region of this.#regions) {
        region.see(layer, features, firstRow);
      }
    });
    const style = this.#regions.flatMap((region) => region.evaluate());
    const gradient = pass.backward(picture, (layer, features, firstRow) => {
      const contentTerm = this.#contentLosses.get(layer)?.evaluate(features, firstRow);
      if (contentTerm !== undefined) {
        content.push(contentTerm.loss);
      }
      return this.#regions.reduce(
        (sum, region) => addGradients(sum, region.gradientAt(layer, features, firstRow)),
        contentTerm?.gradient,
      );
    });
    return { content, style, gradient };
  }

  #aimAtContent(content: Tensor4D): void {
    const layers = weightedLayers(this.#options.content_layers, this.#options.content_weight);
    const pieces = new Map<Layer, Tensor4D[]>(layers.map(([layer]) => [layer, []]));
    try {
      this.#look(content, layers, (layer, features) => pieces.get(layer)?.push(tf.keep(features.clone())));
      for (const [layer, weight] of layers) {
        const rows = pieces.get(layer) ?? [];
        const target = tf.concat(rows, 1) as Tensor4D;
        this.#contentLosses.set(
          layer,
          new ContentLoss(layer, target, weight, this.#options.loss, this.#visible),
        );
        tf.dispose(rows);
      }
    } finally {
      tf.dispose([...pieces.values()].flat());
    }
  }

  /** Shows some layers' feature maps of a picture, piece by piece from top to bottom, to be kept or cloned. */
  #look(picture: Tensor4D, layers: [Layer, number][], see: See): void {
    const names = layers.map(([layer]) => layer);
    tf.tidy(() => {
      const pass = new Pass(this.#network, names, this.#options.pooling, this.#stripRows);
      pass.forward(picture, see);
    });
  }

  dispose(): void {
    for (const part of [...this.#contentLosses.values(), ...this.#regions]) {
      part.dispose();
    }
    this.#contentLosses.clear();
    this.#visible?.dispose();
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
