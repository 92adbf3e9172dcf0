import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import { type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { HYPERCOLUMN_LAYERS } from "./grid.ts";
import type { Guidance } from "./guidance.ts";
import type { FeatureLoss, LossContext } from "./loss.ts";
import { centredUnit, dotOfRows, marginalOf, matchesBothWays } from "./matching.ts";
import { gridAt, offsetAt, pickRows, type SampleGrid, spreadRows } from "./sample-grid.ts";
import { type StyleSamples, samplesOf } from "./style-samples.ts";
import { weightsAt } from "./weights.ts";

const ITERATIONS = 4;
/** How much it counts that every style position finds a near one in the picture. */
const OTHER_WAY = 0.3;

/**
 * The detail phase's loss: each layer by itself, at every step anew, on a grid of at most 64² positions. Every position of
 * the picture takes a style position by its centred cosine, in balance: mean(1 − cos). And every style position takes the
 * nearest of the picture's: 0.3 · mean(1 − cos).
 */
export function createDetailLoss(context: LossContext): FeatureLoss | undefined {
  const { options, phase, size } = context;
  const { style } = weightsAt(size, options);
  if (options.style_distance !== "neighbors" || phase !== "details" || style === 0) return undefined;
  return new DetailLoss(context);
}

/** Part of the picture with the samples of its styles. */
interface SampledRegion {
  styles: { samples: StyleSamples; weight: number }[];
  where: Guidance | undefined;
  weight: number;
}

class DetailLoss implements FeatureLoss {
  readonly layers = HYPERCOLUMN_LAYERS;
  readonly #context: LossContext;
  readonly #regions: SampledRegion[] = [];
  #step = 0;
  /** The picture's features on the grid, from top to bottom. */
  #pieces = new Map<Layer, Tensor4D[]>();
  /** With respect to these, `[1, rows, columns, channels]`. */
  #gradients = new Map<Layer, Tensor4D>();

  constructor(context: LossContext) {
    this.#context = context;
    try {
      for (const { styles, where, weight } of context.regions) {
        const region: SampledRegion = { styles: [], where, weight };
        this.#regions.push(region);
        for (const style of styles.filter((one) => one.weight > 0)) {
          region.styles.push({ samples: samplesOf(context, style), weight: style.weight });
        }
      }
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  begin(step: number): void {
    this.#step = step;
  }

  onFeatures(layer: Layer, features: Tensor4D, firstRow: number): void {
    if (!this.layers.includes(layer)) return;
    const picked = pickRows(features, firstRow, this.#gridOf(layer));
    if (picked === undefined) return;
    const pieces = this.#pieces.get(layer) ?? [];
    pieces.push(tf.keep(picked));
    this.#pieces.set(layer, pieces);
  }

  evaluate(): Tensor {
    const all = [...this.#pieces];
    this.#pieces = new Map();
    this.#disposeGradients();
    const losses = all.map(([layer, pieces]) => {
      const [loss, gradient] = tf.tidy(() => this.#compare(layer, tf.concat(pieces, 1)));
      tf.dispose(pieces);
      this.#gradients.set(layer, tf.keep(gradient));
      return loss;
    });
    return tf.tidy(() => tf.addN(losses));
  }

  gradientAt(layer: Layer, features: Tensor4D, firstRow: number): Tensor4D | undefined {
    const gradient = this.#gradients.get(layer);
    return gradient && spreadRows(gradient, firstRow, features.shape, this.#gridOf(layer));
  }

  dispose(): void {
    tf.dispose([...this.#pieces.values()].flat());
    this.#disposeGradients();
    const styles = this.#regions.flatMap((region) => region.styles);
    tf.dispose(styles.flatMap(({ samples }) => [...samples.values()].flat()));
  }

  #disposeGradients(): void {
    tf.dispose([...this.#gradients.values()]);
    this.#gradients = new Map();
  }

  #gridOf(layer: Layer): SampleGrid {
    const { size, options } = this.#context;
    return gridAt(size, layer, offsetAt(options.seed, this.#step, layer));
  }

  /** One layer's loss over all regions, and its gradient with respect to the features on the grid. */
  #compare(layer: Layer, features: Tensor4D): [Tensor, Tensor4D] {
    const rows = features.reshape<Tensor2D>([-1, features.shape[3]]);
    const regions = this.#regions.filter(({ styles }) => styles.length > 0);
    const parts = regions.map(({ styles, where, weight }) => {
      const samples = styles.map((style) => {
        const ofLayer = style.samples.get(layer) as Tensor2D[];
        return ofLayer[this.#step % ofLayer.length] as Tensor2D;
      });
      const style = {
        rows: tf.concat(samples, 0),
        marginal: marginalOf(styles.map((one, index) => [one.weight, samples[index]?.shape[0] ?? 0])),
      };
      const counts = where && pickRows(where.map(layer), 0, this.#gridOf(layer))?.reshape<Tensor1D>([-1]);
      return tf.tidy(() => compareRows(rows, style, weight, counts));
    });
    const loss = tf.addN(parts.map(([own]) => own));
    const gradient = tf.addN(parts.map(([, own]) => own));
    return [loss, gradient.reshape(features.shape)];
  }
}

/**
 * @param style its rows, centred and of norm 1, and how much each counts
 * @param counts how much each of the picture's rows counts, 0 to 1; all fully if left out
 */
function compareRows(
  rows: Tensor2D,
  { rows: style, marginal }: { rows: Tensor2D; marginal: Tensor1D },
  weight: number,
  counts: Tensor1D | undefined,
): [Tensor, Tensor2D] {
  const [positions] = rows.shape;
  const shares = counts && (counts.div(tf.maximum(counts.sum(), 1e-12)) as Tensor1D);
  const { unit, norm } = centredUnit(rows, shares);
  const penalty = counts && outside(counts);
  const { match, nearest } = matchesBothWays(
    unit,
    style,
    ITERATIONS,
    { picture: shares, style: marginal },
    penalty,
  );
  const chosen = tf.gather(style, match);
  const misses = tf.sub<Tensor1D>(1, dotOfRows(unit, chosen));
  const otherMisses = tf.sub(1, dotOfRows(style, tf.gather(unit, nearest)));
  const area = counts === undefined ? tf.scalar(1) : counts.mean();
  const loss = tf.add(
    (counts === undefined ? misses : misses.mul(counts)).mean().mul(weight),
    otherMisses
      .mul(marginal)
      .sum()
      .mul(area)
      .mul(OTHER_WAY * weight),
  );
  const pulled = counts === undefined ? chosen : chosen.mul<Tensor2D>(counts.reshape([-1, 1]));
  const back = tf
    .unsortedSegmentSum(style.mul<Tensor2D>(marginal.reshape([-1, 1])), nearest, positions)
    .mul<Tensor2D>(area.mul(OTHER_WAY));
  const wrtUnit = tf.add(pulled.div(positions), back).mul<Tensor2D>(-weight);
  const along = dotOfRows(wrtUnit, unit).reshape<Tensor2D>([-1, 1]);
  const wrtCentred = tf.sub<Tensor2D>(wrtUnit, unit.mul(along)).div<Tensor2D>(norm);
  const total = wrtCentred.sum<Tensor2D>(0, true);
  const ofMean =
    shares === undefined ? total.div(positions) : tf.matMul(shares.reshape<Tensor2D>([-1, 1]), total);
  return [loss, tf.sub(wrtCentred, ofMean)];
}

/** Larger than any difference of cosines for rows that count less than half as much as the one that counts most. */
function outside(counts: Tensor1D): Tensor2D {
  return counts.less(counts.max().mul(0.5)).toFloat().mul(4).reshape([-1, 1]);
}
