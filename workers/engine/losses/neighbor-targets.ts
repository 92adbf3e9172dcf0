import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import { type Tensor1D, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { type Grid, HYPERCOLUMN_LAYERS } from "./grid.ts";
import type { LossContext, Region, WeightedStyle } from "./loss.ts";
import { balancedMatches, normOfRows } from "./matching.ts";
import { weightsAt } from "./weights.ts";

const ITERATIONS = 6;
/** Style positions to choose from, at most: a larger style is thinned out. */
const STYLE_POSITIONS = 128 ** 2;
/** Below this share a style position is hidden, and cannot be chosen. */
export const LEAST_VISIBLE = 0.5;

/** What the hypercolumns of a picture are to be like. */
export interface NeighborTargets {
  /** T by layer, `[positions, channels]`: the sum of the targets of all styles and regions by their weights. */
  byLayer: ReadonlyMap<Layer, Tensor2D>;
  /** The sum of these weights over all positions. */
  totalWeight: number;
  /** The style positions that were chosen, for each style of each region. */
  matches: Tensor1D[];
}

/** Hypercolumns, layer by layer: `[positions, channels]`. */
type Hypercolumns = Map<Layer, Tensor2D>;

/** Matches a mix of the content and the picture as it stands with the styles. */
export function neighborTargets(context: LossContext, grid: Grid): NeighborTargets {
  const { regions, stored } = context;
  const picture = stored === undefined ? unitHypercolumns(context, grid, mixOf(context)) : undefined;
  const byLayer = new Map<Layer, Tensor2D>();
  const matches: Tensor1D[] = [];
  let totalWeight = 0;
  try {
    for (const region of regions) {
      const whole = region.styles.reduce((sum, { weight }) => sum + weight, 0);
      for (const style of region.styles.filter(({ weight }) => weight > 0)) {
        const share = (region.weight * style.weight) / whole;
        const columns = styleHypercolumns(context, grid, style);
        const where = positionWeights(region, grid);
        const match = tf.keep(
          tf.tidy(() =>
            stored === undefined
              ? balancedMatches(picture as Tensor2D, unitOf(columns), ITERATIONS, where && marginal(where))
              : ((stored[matches.length] as Tensor1D).toInt() as Tensor1D),
          ),
        );
        matches.push(match);
        addTargets(byLayer, columns, match, share, where);
        totalWeight += share * (where === undefined ? match.size : sumOf(where));
        tf.dispose([...columns.values()]);
        where?.dispose();
      }
    }
  } catch (error) {
    tf.dispose([...byLayer.values(), ...matches]);
    throw error;
  } finally {
    picture?.dispose();
  }
  return { byLayer, totalWeight, matches };
}

function mixOf({ options, size, content, start, isFirstScale }: LossContext): Tensor4D {
  const mix = isFirstScale ? 1 : weightsAt(size, options).mix;
  return tf.tidy(() => tf.add<Tensor4D>(content.mul(mix), start.mul(1 - mix)));
}

/** byLayer += share · where · (style position / its norm). */
function addTargets(
  byLayer: Map<Layer, Tensor2D>,
  columns: Hypercolumns,
  match: Tensor1D,
  share: number,
  where: Tensor1D | undefined,
): void {
  const factor = tf.tidy(() => {
    const squares = [...columns.values()].map((rows) => normOfRows(rows).square());
    const norm = tf.maximum(tf.gather(tf.addN(squares).sqrt(), match), 1e-8);
    const one = tf.scalar(share).div<Tensor2D>(norm);
    return where === undefined ? one : one.mul<Tensor2D>(where.reshape([-1, 1]));
  });
  for (const [layer, rows] of columns) {
    const before = byLayer.get(layer);
    const total = tf.tidy(() => {
      const target = tf.gather(rows, match).mul<Tensor2D>(factor);
      return before === undefined ? target : tf.add<Tensor2D>(before, target);
    });
    before?.dispose();
    byLayer.set(layer, tf.keep(total));
  }
  factor.dispose();
}

/** How much each position of the picture counts in a region, `[positions]`; undefined if all count fully. */
function positionWeights({ where }: Region, grid: Grid): Tensor1D | undefined {
  if (where === undefined) return undefined;
  return tf.keep(tf.tidy(() => grid.weights(where.mask).reshape<Tensor1D>([-1])));
}

function marginal(weights: Tensor1D): Tensor1D {
  return tf.tidy(() => weights.div(tf.maximum(weights.sum(), 1e-12)));
}

function sumOf(weights: Tensor1D): number {
  return tf.tidy(() => weights.sum().dataSync()[0] ?? Number.NaN);
}

/** Of a picture, which is disposed of; kept. */
function unitHypercolumns(context: LossContext, grid: Grid, picture: Tensor4D): Tensor2D {
  try {
    const columns = hypercolumns(context, grid, picture);
    const unit = tf.keep(unitOf(columns));
    tf.dispose([...columns.values()]);
    return unit;
  } finally {
    picture.dispose();
  }
}

/**
 * All layers side by side, centred and of norm 1, `[positions, channels]`. At 512 px they are 190 MB: no more of them is
 * held at once than must be.
 */
function unitOf(columns: Hypercolumns): Tensor2D {
  const centred = [...columns.values()].map((rows) =>
    tf.tidy(() => tf.sub<Tensor2D>(rows, rows.mean(0, true))),
  );
  const squares = centred.map((rows) => tf.tidy(() => rows.square().sum<Tensor2D>(1, true)));
  const norm = tf.tidy(() => tf.maximum(tf.addN(squares).sqrt(), 1e-8));
  const unit = centred.map((rows) => {
    const divided = rows.div<Tensor2D>(norm);
    rows.dispose();
    return divided;
  });
  const all = tf.concat(unit, 1);
  tf.dispose([...unit, ...squares, norm]);
  return all;
}

function styleHypercolumns(
  context: LossContext,
  grid: Grid,
  { picture, visible }: WeightedStyle,
): Hypercolumns {
  const columns = hypercolumns(context, grid, picture);
  const [count = 0] = columns.get("block1_conv1")?.shape ?? [];
  const shares = visible && tf.tidy(() => grid.weights(visible).dataSync());
  const seen = Array.from({ length: count }, (_, position) => position).filter(
    (position) => shares === undefined || (shares[position] ?? 0) >= LEAST_VISIBLE,
  );
  if (seen.length === count && count <= STYLE_POSITIONS) return columns;
  const some = seen.length === 0 ? [0] : seen;
  const length = Math.min(some.length, STYLE_POSITIONS);
  const chosen = Array.from(
    { length },
    (_, index) => some[Math.floor((index * some.length) / length)] as number,
  );
  const indices = tf.tensor1d(chosen, "int32");
  for (const [layer, rows] of columns) {
    columns.set(layer, tf.keep(tf.gather(rows, indices)));
    rows.dispose();
  }
  indices.dispose();
  return columns;
}

/** Kept. */
function hypercolumns({ capture }: LossContext, grid: Grid, picture: Tensor4D): Hypercolumns {
  const pieces = new Map<Layer, Tensor2D[]>(HYPERCOLUMN_LAYERS.map((layer) => [layer, []]));
  try {
    capture(picture, HYPERCOLUMN_LAYERS, (layer, features) => {
      const rows = tf.tidy(() => {
        const resampled = grid.resample(layer, features);
        return resampled.reshape<Tensor2D>([-1, resampled.shape[3]]);
      });
      pieces.get(layer)?.push(tf.keep(rows));
    });
    return new Map([...pieces].map(([layer, rows]) => [layer, tf.keep(tf.concat(rows, 0))]));
  } finally {
    tf.dispose([...pieces.values()].flat());
  }
}
