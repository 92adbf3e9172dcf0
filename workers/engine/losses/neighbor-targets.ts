import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import { type Tensor1D, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { type Grid, HYPERCOLUMN_LAYERS } from "./grid.ts";
import { type Hypercolumns, hypercolumnsOf, styleHypercolumns } from "./hypercolumns.ts";
import type { LossContext, Region } from "./loss.ts";
import { balancedMatches } from "./matching.ts";
import { weightsAt } from "./weights.ts";

const ITERATIONS = 6;

/** What the hypercolumns of a picture are to be like. */
export interface NeighborTargets {
  /** T by layer, `[positions, channels]`: the sum of the targets of all regions by their weights. */
  byLayer: ReadonlyMap<Layer, Tensor2D>;
  /** The sum of these weights over all positions. */
  totalWeight: number;
  /** The style positions that were chosen in each region. */
  matches: Tensor1D[];
}

/**
 * Matches a mix of the content and the picture as it stands with the styles. The styles of a region are matched together,
 * each in demand by its weight: a style with two parts of three gets two thirds of the region.
 */
export function neighborTargets(context: LossContext, grid: Grid): NeighborTargets {
  const { stored, regions } = context;
  const picture = stored === undefined ? mixedHypercolumns(context, grid) : undefined;
  const byLayer = new Map<Layer, Tensor2D>();
  const matches: Tensor1D[] = [];
  let totalWeight = 0;
  try {
    for (const [index, region] of regions.entries()) {
      const styles = region.styles.filter(({ weight }) => weight > 0);
      if (styles.length === 0) continue;
      const { columns, marginal } = styleHypercolumns(context, grid, styles);
      const where = positionWeights(region, grid);
      const known = stored?.[matches.length];
      const match = tf.keep(
        tf.tidy(() =>
          known === undefined
            ? balancedMatches((picture as Hypercolumns).unit, columns.unit, ITERATIONS, {
                picture: where?.div(tf.maximum(where.sum(), 1e-12)),
                style: marginal,
              })
            : (known.toInt() as Tensor1D),
        ),
      );
      matches.push(match);
      if (index === regions.length - 1) picture?.dispose();
      addTargets(byLayer, columns, match, region.weight, where);
      totalWeight += region.weight * (where === undefined ? match.size : sumOf(where));
      tf.dispose(where === undefined ? [marginal] : [marginal, where]);
    }
  } catch (error) {
    tf.dispose([...byLayer.values(), ...matches]);
    throw error;
  } finally {
    picture?.dispose();
  }
  return { byLayer, totalWeight, matches };
}

function mixedHypercolumns(context: LossContext, grid: Grid): Hypercolumns {
  const { options, size, content, start, isFirstScale } = context;
  const mix = isFirstScale ? 1 : weightsAt(size, options).mix;
  const picture = tf.tidy(() => tf.add<Tensor4D>(content.mul(mix), start.mul(1 - mix)));
  try {
    return hypercolumnsOf(context, grid, picture);
  } finally {
    picture.dispose();
  }
}

/** byLayer += share · where · (style position / its norm). Disposes of the style's columns, layer by layer. */
function addTargets(
  byLayer: Map<Layer, Tensor2D>,
  columns: Hypercolumns,
  match: Tensor1D,
  share: number,
  where: Tensor1D | undefined,
): void {
  for (const layer of HYPERCOLUMN_LAYERS) {
    const before = byLayer.get(layer);
    const total = tf.tidy(() => {
      const target = columns.original(layer, match).mul<Tensor2D>(share);
      const counted = where === undefined ? target : target.mul<Tensor2D>(where.reshape([-1, 1]));
      return before === undefined ? counted : tf.add<Tensor2D>(before, counted);
    });
    columns.disposeOf(layer);
    before?.dispose();
    byLayer.set(layer, tf.keep(total));
  }
  columns.dispose();
}

/** How much each position of the picture counts in a region, `[positions]`; undefined if all count fully. */
function positionWeights({ where }: Region, grid: Grid): Tensor1D | undefined {
  if (where === undefined) return undefined;
  return tf.keep(tf.tidy(() => grid.weights(where.mask).reshape<Tensor1D>([-1])));
}

function sumOf(weights: Tensor1D): number {
  return tf.tidy(() => weights.sum().dataSync()[0] ?? Number.NaN);
}
