import type { Layer, LayerWeights } from "../../../src/contract/vgg19-layers.ts";
import { blockOf } from "../network/stages.ts";
import { type Tensor, type Tensor4D, tf } from "../tensorflow.ts";
import type { Guidance } from "./guidance.ts";
import type { FeatureLoss, LossContext } from "./loss.ts";
import { weightsAt } from "./weights.ts";

interface Target {
  /** The content's feature map. */
  features: Tensor4D;
  factor: number;
}

/**
 * The distance of layers' feature maps from the content's, Σ k · Σ w·(F − F_c)², w being the guidance at each position, 1
 * without one.
 *
 * - with `gram`: k = α·λ / (4·n_H·n_W·n_C), the source's J_content;
 * - with `neighbors`: k = α·λ·s / Σ w·F_c², s being the share of the picture that counts: a position weighs the same
 *   whatever else counts.
 */
export function createContentLoss(context: LossContext): FeatureLoss | undefined {
  const { options, visible, content, size } = context;
  const weights = weightsAt(size, options);
  const layers = weightedLayers(options.content_layers, (layer) =>
    blockOf(layer) < 3 ? weights.shallowContent : weights.content,
  );
  if (layers.length === 0) return undefined;
  const features = captureMaps(
    context,
    content,
    layers.map(([layer]) => layer),
  );
  const targets = layers.map(([layer, weight]): [Layer, Target] => {
    const target = features.get(layer) as Tensor4D;
    const factor =
      options.style_distance === "gram"
        ? weight / (4 * target.size)
        : (weight * (visible?.share(layer) ?? 1)) / Math.max(weightedNorm(target, layer, visible), 1e-12);
    return [layer, { features: target, factor }];
  });
  return new ContentLoss(new Map(targets), visible);
}

class ContentLoss implements FeatureLoss {
  readonly layers: Layer[];
  #losses: Tensor[] = [];

  constructor(
    private readonly targets: ReadonlyMap<Layer, Target>,
    private readonly guidance: Guidance | undefined,
  ) {
    this.layers = [...targets.keys()];
  }

  onFeatures(layer: Layer, features: Tensor4D, firstRow: number): void {
    const target = this.targets.get(layer);
    if (target === undefined) return;
    const loss = tf.tidy(() => {
      const { difference, weighted } = this.#compare(layer, target, features, firstRow);
      return tf.sum(tf.mul(difference, weighted)).mul(target.factor);
    });
    this.#losses.push(tf.keep(loss));
  }

  evaluate(): Tensor {
    const losses = this.#losses;
    this.#losses = [];
    const total = tf.addN(losses);
    tf.dispose(losses);
    return total;
  }

  gradientAt(layer: Layer, features: Tensor4D, firstRow: number): Tensor4D | undefined {
    const target = this.targets.get(layer);
    if (target === undefined) return undefined;
    return tf.tidy(() =>
      this.#compare(layer, target, features, firstRow).weighted.mul<Tensor4D>(2 * target.factor),
    );
  }

  #compare(layer: Layer, { features: whole }: Target, features: Tensor4D, firstRow: number) {
    const isWhole = features.shape[1] === whole.shape[1];
    const target = isWhole ? whole : whole.slice([0, firstRow, 0, 0], features.shape);
    const difference = tf.sub<Tensor4D>(features, target);
    const weighted = guided(difference, layer, this.guidance, firstRow);
    return { difference, weighted };
  }

  dispose(): void {
    tf.dispose([...this.targets.values()].map(({ features }) => features));
    tf.dispose(this.#losses);
  }
}

/** Each layer with its weight times the term's, those of weight 0 left out. */
export function weightedLayers(
  weights: LayerWeights,
  termWeight: (layer: Layer) => number,
): [Layer, number][] {
  return (Object.entries(weights) as [Layer, number][])
    .map(([layer, weight]): [Layer, number] => [layer, weight * termWeight(layer)])
    .filter(([, weight]) => weight > 0);
}

/** Whole feature maps of a picture; kept. */
function captureMaps(
  { capture }: LossContext,
  picture: Tensor4D,
  layers: readonly Layer[],
): Map<Layer, Tensor4D> {
  const pieces = new Map<Layer, Tensor4D[]>(layers.map((layer) => [layer, []]));
  try {
    capture(picture, layers, (layer, features) => pieces.get(layer)?.push(tf.keep(features.clone())));
    return new Map(layers.map((layer) => [layer, tf.keep(tf.concat(pieces.get(layer) ?? [], 1))]));
  } finally {
    tf.dispose([...pieces.values()].flat());
  }
}

function guided(x: Tensor4D, layer: Layer, guidance: Guidance | undefined, firstRow: number): Tensor4D {
  return guidance === undefined ? x : tf.mul(x, guidance.rows(layer, firstRow, x.shape[1]));
}

function weightedNorm(features: Tensor4D, layer: Layer, guidance: Guidance | undefined): number {
  return tf.tidy(() => {
    const [norm = Number.NaN] = tf.sum(tf.mul(features, guided(features, layer, guidance, 0))).dataSync();
    return norm;
  });
}
