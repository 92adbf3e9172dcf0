import { type Tensor, type Tensor1D, type Tensor2D, tf } from "../tensorflow.ts";

/** Of the entropic optimal transport: the lower, the nearer to a strict assignment. */
const TEMPERATURE = 0.3;
/** Positions of the picture that prices are learnt from, at most. */
const PRICED_POSITIONS = 1024;
/** Cosines that are held at once, at most: 16 MiB. */
const COSINES_AT_ONCE = 2 ** 22;
/** In place of a norm of 0. */
export const EPSILON = 1e-8;

/**
 * Vectors of some positions, `[positions, channels]` for each layer, centred and together of norm 1. The layers stay apart:
 * side by side in one matrix they would be held twice.
 */
export type UnitColumns = readonly Tensor2D[];

/** Each row minus the rows' mean (by `weights`, which add up to 1), divided by its norm. */
export function centredUnit(rows: Tensor2D, weights?: Tensor1D): { unit: Tensor2D; norm: Tensor2D } {
  return tf.tidy(() => {
    const mean =
      weights === undefined
        ? rows.mean<Tensor2D>(0, true)
        : tf.matMul(weights.reshape<Tensor2D>([1, -1]), rows);
    const centred = tf.sub<Tensor2D>(rows, mean);
    const norm = tf.maximum(squaredNorm(centred).sqrt(), EPSILON) as Tensor2D;
    return { unit: centred.div<Tensor2D>(norm), norm };
  });
}

/** Of each row, `[rows, 1]`. */
export function squaredNorm(rows: Tensor2D): Tensor2D {
  return tf.tidy(() => rows.square().sum<Tensor2D>(1, true));
}

/** How much each position counts, adding up to 1; all alike if left out. */
export interface Marginals {
  picture?: Tensor1D | undefined;
  style?: Tensor1D | undefined;
}

/** Of styles with a weight and a number of positions each, which share the weight. Adds up to 1. */
export function marginalOf(styles: readonly [weight: number, positions: number][]): Tensor1D {
  const whole = styles.reduce((sum, [weight]) => sum + weight, 0);
  return tf.tidy(() =>
    tf.concat(styles.map(([weight, count]) => tf.fill([count], weight / whole / count) as Tensor1D)),
  );
}

/** The style position that each of the picture's takes, in balance: the largest cosine plus price. */
export function balancedMatches(
  picture: UnitColumns,
  style: UnitColumns,
  iterations: number,
  marginals: Marginals = {},
): Tensor1D {
  return tf.tidy(() => {
    const price = prices(picture, style, iterations, marginals);
    const blocks = mapBlocks(picture, style, (cosines) => cosines.add<Tensor2D>(price).argMax<Tensor1D>(1));
    return tf.concat(blocks);
  });
}

/**
 * The same, and the picture's position that is nearest to each of the style's.
 *
 * @param penalty by which positions of the picture are further from the style's, `[positions, 1]`
 */
export function matchesBothWays(
  picture: Tensor2D,
  style: Tensor2D,
  iterations: number,
  marginals: Marginals,
  penalty?: Tensor2D | undefined,
): { match: Tensor1D; nearest: Tensor1D } {
  return tf.tidy(() => {
    const price = prices([picture], [style], iterations, marginals);
    const blocks = mapBlocks([picture], [style], (cosines, first) => {
      const near = penalty === undefined ? cosines : cosines.sub(penalty.slice(first, cosines.shape[0]));
      // TensorFlow finds maxima along rows several times sooner than along columns.
      const byStyle = near.transpose();
      return {
        match: cosines.add<Tensor2D>(price).argMax<Tensor1D>(1),
        value: byStyle.max<Tensor1D>(1),
        position: byStyle.argMax<Tensor1D>(1).add<Tensor1D>(tf.scalar(first, "int32")),
      };
    });
    const { position } = blocks.reduce((best, block) => ({
      ...block,
      value: tf.maximum<Tensor1D>(best.value, block.value),
      position: tf.where<Tensor1D>(block.value.greater(best.value), block.position, best.position),
    }));
    return { match: tf.concat(blocks.map(({ match }) => match)), nearest: position };
  });
}

/** A function of the cosines of the picture's positions, from `first` on, with all of the style's. */
function mapBlocks<Result extends Tensor | Record<string, Tensor>>(
  picture: UnitColumns,
  style: UnitColumns,
  f: (cosines: Tensor2D, first: number) => Result,
): Result[] {
  const [count, styles] = [picture, style].map((columns) => columns[0]?.shape[0] ?? 0) as [number, number];
  const step = Math.max(1, Math.floor(COSINES_AT_ONCE / styles));
  return Array.from({ length: Math.ceil(count / step) }, (_, index) =>
    tf.tidy(() => {
      const first = index * step;
      const rows = picture.map((layer) => layer.slice(first, Math.min(step, count - first)));
      return f(cosinesOf(rows, style), first);
    }),
  );
}

function cosinesOf(picture: UnitColumns, style: UnitColumns): Tensor2D {
  return picture.reduce((sum: Tensor2D | undefined, rows, layer) => {
    const product: Tensor2D = tf.matMul(rows, style[layer] as Tensor2D, false, true);
    if (sum === undefined) return product;
    const total = tf.add<Tensor2D>(sum, product);
    tf.dispose([sum, product]);
    return total;
  }, undefined) as Tensor2D;
}

/**
 * What each style position costs: the logarithm of Sinkhorn's scaling times the temperature. The more positions of the
 * picture want it, the dearer it is.
 */
function prices(
  picture: UnitColumns,
  style: UnitColumns,
  iterations: number,
  marginals: Marginals,
): Tensor1D {
  return tf.tidy(() => {
    const sampled = sample(picture[0]?.shape[0] ?? 0);
    const scaled = tf.tidy(() => {
      const rows = picture.map((layer) => tf.gather(layer, sampled) as Tensor2D);
      return cosinesOf(rows, style).div<Tensor2D>(TEMPERATURE);
    });
    const kernel = scaled.exp<Tensor2D>();
    scaled.dispose();
    const [positions, styles] = kernel.shape;
    const wanted =
      shareOf(marginals.picture, sampled)?.reshape<Tensor2D>([-1, 1]) ?? tf.scalar(1 / positions);
    const supplied = marginals.style?.reshape<Tensor2D>([-1, 1]) ?? tf.scalar(1 / styles);
    let scaling = tf.ones([styles, 1]) as Tensor2D;
    for (let iteration = 0; iteration < iterations; iteration += 1) {
      const demand = wanted.div<Tensor2D>(tf.matMul(kernel, scaling));
      scaling = supplied.div<Tensor2D>(tf.matMul(kernel, demand, true, false));
    }
    return scaling.log().mul(TEMPERATURE).reshape([styles]);
  });
}

/** Indices of rows, evenly spread. */
function sample(count: number): Tensor1D {
  const length = Math.min(count, PRICED_POSITIONS);
  const indices = Array.from({ length }, (_, index) => Math.floor(((index + 0.5) * count) / length));
  return tf.tensor1d(indices, "int32");
}

/**
 * The sampled positions' weights, scaled to add up to 1. Positions that do not count at all still count a little, so that
 * nothing divides by 0.
 */
function shareOf(weights: Tensor1D | undefined, sampled: Tensor1D): Tensor1D | undefined {
  if (weights === undefined) return undefined;
  const some = tf.maximum(tf.gather(weights, sampled), 1e-12);
  return some.div(tf.sum(some));
}

/** Σ over a row of a·b, `[rows]`. */
export function dotOfRows(a: Tensor2D, b: Tensor): Tensor1D {
  return tf.tidy(() => tf.mul(a, b).sum<Tensor1D>(1));
}
