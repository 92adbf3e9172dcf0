import { type Tensor, type Tensor1D, type Tensor2D, tf } from "../tensorflow.ts";

/** Of the entropic optimal transport: the lower, the nearer to a strict assignment. */
const TEMPERATURE = 0.3;
/** 0: plain nearest neighbours; 1: every style position is wanted as often as the others. */
const COVERAGE = 1;
/** Positions of the picture that prices are learnt from, at most. */
const PRICED_POSITIONS = 1024;
/** Cosines that are held at once, at most. */
const COSINES_AT_ONCE = 2 ** 24;
/** In place of a norm of 0. */
const EPSILON = 1e-8;

/** Each row minus the rows' mean (by `weights`, which add up to 1), divided by its norm. */
export function centredUnit(rows: Tensor2D, weights?: Tensor1D): { unit: Tensor2D; norm: Tensor2D } {
  return tf.tidy(() => {
    const mean =
      weights === undefined
        ? rows.mean<Tensor2D>(0, true)
        : tf.matMul(weights.reshape<Tensor2D>([1, -1]), rows);
    const centred = tf.sub<Tensor2D>(rows, mean);
    const norm = tf.maximum(normOfRows(centred), EPSILON) as Tensor2D;
    return { unit: centred.div<Tensor2D>(norm), norm };
  });
}

/** `[rows, 1]`. */
export function normOfRows(rows: Tensor2D): Tensor2D {
  return tf.tidy(() => rows.square().sum<Tensor2D>(1, true).sqrt());
}

/**
 * What each style position costs: the logarithm of Sinkhorn's scaling times the temperature. The more positions of the
 * picture want it, the dearer it is.
 *
 * @param cosines `[positions, style positions]`
 * @param weights how much each position counts, adding up to 1; all alike if left out
 */
function prices(cosines: Tensor2D, iterations: number, weights: Tensor1D | undefined): Tensor1D {
  return tf.tidy(() => {
    const [positions, styles] = cosines.shape;
    const kernel = cosines.sub<Tensor2D>(cosines.max()).div<Tensor2D>(TEMPERATURE).exp<Tensor2D>();
    const marginal =
      weights?.reshape<Tensor2D>([-1, 1]) ?? (tf.fill([positions, 1], 1 / positions) as Tensor2D);
    let scaling = tf.ones([styles, 1]) as Tensor2D;
    for (let iteration = 0; iteration < iterations; iteration += 1) {
      const demand = marginal.div<Tensor2D>(tf.matMul(kernel, scaling));
      const supply = tf.scalar(1 / styles).div<Tensor2D>(tf.matMul(kernel, demand, true, false));
      scaling = COVERAGE === 1 ? supply : supply.pow<Tensor2D>(COVERAGE);
    }
    return scaling.log().mul(TEMPERATURE).reshape([styles]);
  });
}

/**
 * The style position that each row of `picture` takes, in balance: the largest cosine plus price.
 *
 * @param picture @param style centred and of norm 1, `[positions, channels]`
 * @param weights how much each position of the picture counts, adding up to 1; all alike if left out
 */
export function balancedMatches(
  picture: Tensor2D,
  style: Tensor2D,
  iterations: number,
  weights?: Tensor1D,
): Tensor1D {
  return tf.tidy(() => {
    const count = picture.shape[0];
    const cosinesOf = (rows: Tensor2D): Tensor2D => tf.matMul(rows, style, false, true);
    const price = tf.tidy(() => {
      const sampled = sample(count);
      return prices(
        cosinesOf(tf.gather(picture, sampled) as Tensor2D),
        iterations,
        shareOf(weights, sampled),
      );
    });
    const step = Math.max(1, Math.floor(COSINES_AT_ONCE / style.shape[0]));
    const blocks = Array.from({ length: Math.ceil(count / step) }, (_, index) =>
      tf.tidy(() => {
        const rows = picture.slice(index * step, Math.min(step, count - index * step));
        return cosinesOf(rows).add<Tensor2D>(price).argMax<Tensor1D>(1);
      }),
    );
    return tf.concat(blocks);
  });
}

/** The same from cosines that are there already, `[positions, style positions]`. */
export function matchesOf(cosines: Tensor2D, iterations: number, weights?: Tensor1D): Tensor1D {
  return tf.tidy(() => {
    const sampled = sample(cosines.shape[0]);
    const price = prices(tf.gather(cosines, sampled) as Tensor2D, iterations, shareOf(weights, sampled));
    return cosines.add<Tensor2D>(price).argMax(1);
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
