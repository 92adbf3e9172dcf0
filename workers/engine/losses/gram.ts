import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import { type Tensor, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { weightedLayers } from "./content.ts";
import { Guidance } from "./guidance.ts";
import type { FeatureLoss, LossContext, Region, WeightedStyle } from "./loss.ts";
import { weightsAt } from "./weights.ts";

/** If no position counts the matrix is zeros, not 0 / 0. */
const EPSILON = 1e-6;

/**
 * How far layers' Gram matrices are from the style's (Gatys et al. 2015): Σ k · Σ (G − G_s)² over layers and regions, with
 * G = AᵀWA / ΣW, A being the map unrolled and W each position's weight, 1 without guidance. G_s is the mean of the styles'
 * by their weights.
 *
 * - with `gram`: k = β·λ / (4·n_C²), which for pictures of one size is the source's J_style with undivided matrices;
 * - with `neighbors`: k = β·λ / ‖G_s‖².
 */
export function createGramLoss(context: LossContext): FeatureLoss | undefined {
  const { options, size, regions } = context;
  const { gram } = weightsAt(size, options);
  const layers = weightedLayers(options.style_layers, () => gram);
  const losses: RegionalGramLoss[] = [];
  try {
    for (const region of regions) losses.push(new RegionalGramLoss(context, region, layers));
  } catch (error) {
    for (const loss of losses) loss.dispose();
    throw error;
  }
  return layers.length === 0 ? undefined : new GramLoss(losses);
}

class GramLoss implements FeatureLoss {
  readonly layers: Layer[];

  constructor(private readonly regions: readonly RegionalGramLoss[]) {
    this.layers = [...new Set(regions.flatMap((region) => region.layers))];
  }

  onFeatures(layer: Layer, features: Tensor4D, firstRow: number): void {
    for (const region of this.regions) region.onFeatures(layer, features, firstRow);
  }

  evaluate(): Tensor {
    const losses = this.regions.flatMap((region) => region.evaluate());
    return tf.tidy(() => (losses.length === 0 ? tf.scalar(0) : tf.addN(losses)));
  }

  gradientAt(layer: Layer, features: Tensor4D, firstRow: number): Tensor4D | undefined {
    const parts = this.regions
      .map((region) => region.gradientAt(layer, features, firstRow))
      .filter((part) => part !== undefined);
    if (parts.length < 2) return parts[0];
    const total = tf.addN(parts);
    tf.dispose(parts);
    return total;
  }

  dispose(): void {
    for (const region of this.regions) region.dispose();
  }
}

interface Target {
  gram: Tensor2D;
  factor: number;
}

/** The loss in one region: its matrices are taken from there, and pull only there. */
class RegionalGramLoss {
  readonly #context: LossContext;
  readonly #where: Guidance | undefined;
  readonly #targets = new Map<Layer, Target>();
  #sums = new Map<Layer, GramSum>();
  #gradients = new Map<Layer, Tensor2D>();

  constructor(context: LossContext, region: Region, layers: readonly [Layer, number][]) {
    this.#context = context;
    this.#where = region.where;
    const weighted = layers
      .map(([layer, weight]): [Layer, number] => [
        layer,
        weight * region.weight * (region.where?.share(layer) ?? 1),
      ])
      .filter(([, weight]) => weight > 0);
    const styles = region.styles.filter(({ weight }) => weight > 0);
    if (weighted.length === 0 || styles.length === 0) return;
    const whole = styles.reduce((sum, { weight }) => sum + weight, 0);
    const blended = new Map<Layer, Tensor2D>();
    try {
      for (const style of styles) {
        const grams = this.#gramsOf(
          style,
          weighted.map(([layer]) => layer),
        );
        for (const [layer, gram] of grams) {
          const part = gram.mul<Tensor2D>(style.weight / whole);
          const before = blended.get(layer);
          blended.set(layer, tf.keep(before === undefined ? part.clone() : tf.add<Tensor2D>(before, part)));
          tf.dispose(before === undefined ? [gram, part] : [gram, part, before]);
        }
      }
    } catch (error) {
      tf.dispose([...blended.values()]);
      throw error;
    }
    const isSource = context.options.style_distance === "gram";
    for (const [layer, weight] of weighted) {
      const gram = blended.get(layer) as Tensor2D;
      this.#targets.set(layer, { gram, factor: weight / (isSource ? 4 * gram.size : normOf(gram)) });
    }
  }

  get layers(): Layer[] {
    return [...this.#targets.keys()];
  }

  onFeatures(layer: Layer, features: Tensor4D, firstRow: number): void {
    if (!this.#targets.has(layer)) return;
    const sum = this.#sums.get(layer) ?? new GramSum(this.#context);
    this.#sums.set(layer, sum);
    sum.add(features, this.#where?.rows(layer, firstRow, features.shape[1]));
  }

  evaluate(): Tensor[] {
    const sums = [...this.#sums];
    this.#sums = new Map();
    tf.dispose([...this.#gradients.values()]);
    this.#gradients = new Map();
    return sums.map(([layer, sum]) => {
      const { gram: target, factor } = this.#targets.get(layer) as Target;
      const { gram, weight } = sum.finish();
      const [loss, gradient] = tf.tidy(() => {
        const difference = tf.sub<Tensor2D>(gram, target);
        return [
          difference.square().sum().mul(factor),
          difference.mul<Tensor2D>((4 * factor) / weight),
        ] as const;
      });
      gram.dispose();
      this.#gradients.set(layer, tf.keep(gradient));
      return loss;
    });
  }

  gradientAt(layer: Layer, features: Tensor4D, firstRow: number): Tensor4D | undefined {
    const matrix = this.#gradients.get(layer);
    if (matrix === undefined) return undefined;
    return tf.tidy(() => {
      const product = this.#context.kernels.channelProduct(features, matrix);
      return this.#where === undefined
        ? product
        : tf.mul<Tensor4D>(product, this.#where.rows(layer, firstRow, features.shape[1]));
    });
  }

  /** Kept. */
  #gramsOf({ picture, visible }: WeightedStyle, layers: readonly Layer[]): Map<Layer, Tensor2D> {
    const guidance = visible && new Guidance(visible);
    const sums = new Map(layers.map((layer) => [layer, new GramSum(this.#context)]));
    try {
      this.#context.capture(picture, layers, (layer, features, firstRow) => {
        sums.get(layer)?.add(features, guidance?.rows(layer, firstRow, features.shape[1]));
      });
      return new Map([...sums].map(([layer, sum]) => [layer, sum.finish().gram]));
    } finally {
      guidance?.dispose();
      for (const sum of sums.values()) sum.dispose();
    }
  }

  dispose(): void {
    for (const sum of this.#sums.values()) sum.dispose(); // of an evaluation that came to no end
    tf.dispose([...this.#targets.values()].map(({ gram }) => gram));
    tf.dispose([...this.#gradients.values()]);
    this.#targets.clear();
    this.#gradients.clear();
  }
}

/** A Gram matrix of a feature map that comes in rows: AᵀWA adds up over rows. */
class GramSum {
  #product: Tensor2D | undefined;
  #weight = 0;

  constructor(private readonly context: LossContext) {}

  /** @param weights how much each position counts, `[1, rows, columns, 1]`; disposed of */
  add(features: Tensor4D, weights: Tensor4D | undefined): void {
    const [, height, width] = features.shape;
    const product = tf.tidy(() => {
      // AᵀWA = (√W·A)ᵀ(√W·A): a product with itself is symmetric, and half the work.
      const weighted = weights === undefined ? features : tf.mul<Tensor4D>(features, weights.sqrt());
      const own = this.context.kernels.gramMatrix(weighted);
      return this.#product === undefined ? own : tf.add<Tensor2D>(this.#product, own);
    });
    this.#product?.dispose();
    this.#product = tf.keep(product);
    this.#weight += weights === undefined ? height * width : tf.tidy(() => weights.sum().dataSync()[0] ?? 0);
    weights?.dispose();
  }

  /** AᵀWA / ΣW, kept, and ΣW. */
  finish(): { gram: Tensor2D; weight: number } {
    const weight = Math.max(this.#weight, EPSILON);
    const gram = tf.keep((this.#product as Tensor2D).div<Tensor2D>(weight));
    this.dispose();
    return { gram, weight };
  }

  dispose(): void {
    this.#product?.dispose();
    this.#product = undefined;
  }
}

function normOf(x: Tensor): number {
  return tf.tidy(() => Math.max(x.square().sum().dataSync()[0] ?? Number.NaN, 1e-12));
}
