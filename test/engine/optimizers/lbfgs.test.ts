import { describe, expect, it } from "@jest/globals";
import { Lbfgs } from "../../../workers/engine/optimizers/lbfgs.ts";
import {
  type Preconditioner,
  SpectralPreconditioner,
} from "../../../workers/engine/optimizers/preconditioner.ts";
import { Windows } from "../../../workers/engine/optimizers/windows.ts";
import { type Tensor4D, tf } from "../../../workers/engine/tensorflow.ts";
import { describeOptimizer } from "./conformance.ts";
import { evaluate, type LossFunction, SHAPE, SIZE, startImage } from "./problems.ts";

const [, HEIGHT, WIDTH] = SHAPE;
const spectral = () => new SpectralPreconditioner(HEIGHT, WIDTH, 1.4);
const identity: Preconditioner = { apply: (x) => x.clone(), fit: () => {}, dispose: () => {} };

/** Some over a picture of this size, and one. */
const several = () => new Windows(HEIGHT, WIDTH, 2);
const one = () => new Windows(HEIGHT, WIDTH, Number.POSITIVE_INFINITY);

describeOptimizer("L-BFGS", 60, (image) => new Lbfgs(image, 1, identity, one()));
describeOptimizer("L-BFGS by windows", 60, (image) => new Lbfgs(image, 1, identity, several()));
// These problems' curvature has nothing to do with spatial frequency: the preconditioner is in the way here.
describeOptimizer("L-BFGS, preconditioned,", 150, (image) => new Lbfgs(image, 1, spectral(), several()));

interface DensePair {
  s: Float64Array;
  y: Float64Array;
}

/** How many of the latest pairs the optimiser remembers. */
const HISTORY = 10;

/** Convex and not quadratic: the curvature changes on the way, so that every pair tells something new. */
const convex: LossFunction = (pixels) => {
  const gradient = new Float64Array(SIZE);
  let loss = 0;
  for (const [index, x] of pixels.entries()) {
    const curvature = 1000 ** (index / (SIZE - 1));
    const neighbour = (index + 1) % SIZE;
    const difference = x - (pixels[neighbour] ?? 0);
    const away = x - 0.5;
    loss += curvature * (away ** 2 + 20 * away ** 4) + 5 * difference ** 2;
    gradient[index] = (gradient[index] ?? 0) + curvature * (2 * away + 80 * away ** 3) + 10 * difference;
    gradient[neighbour] = (gradient[neighbour] ?? 0) - 10 * difference;
  }
  return { loss, gradient };
};

describe("L-BFGS", () => {
  it.each([
    ["the identity, one window", () => identity, one],
    ["the identity", () => identity, several],
    ["the spectral preconditioner", spectral, several],
  ])(
    "steps along −H·g, with H the dense matrix of its latest pairs from %s on, built in float64",
    (_, create, createWindows) => {
      const optimizer = new Lbfgs(startImage(), 1, create(), createWindows());
      const weights = { whole: weightsOf(one()), windows: weightsOf(createWindows()) };
      const pairs: DensePair[] = [];
      let before: { x: Float64Array; gradient: Float64Array; loss: number } | undefined;
      let compared = 0;
      for (let step = 0; step < 15; step += 1) {
        const x = Float64Array.from(optimizer.image.dataSync<"float32">());
        const { loss, gradient } = convex(x);

        expect(loss).toBeLessThan((before?.loss ?? Number.POSITIVE_INFINITY) * 1.1); // no step is taken back
        if (before !== undefined) {
          const [last, lastGradient] = [before.x, before.gradient];
          pairs.push({
            s: x.map((value, index) => value - (last[index] ?? 0)),
            y: gradient.map((value, index) => value - (lastGradient[index] ?? 0)),
          });
        }
        optimizer.update(evaluate(convex, optimizer.image));
        const moved = Float64Array.from(
          optimizer.image.dataSync<"float32">(),
          (value, index) => value - (x[index] ?? 0),
        );
        const latest = pairs.slice(-HISTORY);
        const isFull = latest.length === HISTORY;
        const start = dense(create(), latest.at(-1));
        const expected = denseDirection(start, latest, gradient, isFull ? weights.windows : weights.whole);
        if (expected !== undefined) {
          expect(relativeError(moved, expected)).toBeLessThan(2e-3);
          compared += 1;
        }
        before = { x, gradient, loss };
      }
      expect(compared).toBe(14);
      optimizer.dispose();
    },
  );

  it("takes no longer a step than 0.1 root mean square", () => {
    const optimizer = new Lbfgs(startImage(), 10, spectral(), several());
    for (let step = 0; step < 10; step += 1) {
      const before = optimizer.image.dataSync<"float32">();
      optimizer.update(evaluate(convex, optimizer.image));
      const squares = optimizer.image
        .dataSync<"float32">()
        .map((x, index) => (x - (before[index] ?? 0)) ** 2);
      expect(Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / SIZE)).toBeLessThan(0.1001);
    }
    optimizer.dispose();
  });

  it("takes a step back that raises the loss, a quarter of the way", () => {
    const optimizer = new Lbfgs(startImage(), 1, spectral(), several());
    optimizer.update(evaluate(convex, optimizer.image));
    const good = optimizer.image.dataSync<"float32">();
    optimizer.update(evaluate(convex, optimizer.image));
    const tried = optimizer.image.dataSync<"float32">();
    const risen = evaluate(
      (x) => ({ ...convex(x), loss: 2 * convex(Float64Array.from(good)).loss }),
      optimizer.image,
    );
    optimizer.update(risen);
    const now = optimizer.image.dataSync<"float32">();
    for (const [index, value] of now.entries()) {
      const [from, to] = [good[index] ?? 0, tried[index] ?? 0];
      expect(value).toBeCloseTo(from + (to - from) / 4, 6);
    }
    optimizer.dispose();
  });
});

/**
 * −H·g, H by the update H ← Vᵀ·H·V + Σ ρ·(u∘s)·(u∘s)ᵀ, V = I − Σ ρ·(u∘y)·(u∘s)ᵀ, over the windows u with ρ = 1 / Σ u·s·y,
 * from γH₀ of each window. With one window of ones it is BFGS (Nocedal & Wright, eq. 6.17 and 7.20).
 */
function denseDirection(
  start: Float64Array[],
  pairs: DensePair[],
  gradient: Float64Array,
  windows: Float64Array[],
): Float64Array | undefined {
  const newest = pairs.at(-1);
  if (newest === undefined) {
    return undefined;
  }
  const { s, y } = newest;
  const scaled = Float64Array.from(start, (row) => dot(row, y));
  const whole = dot(s, y) / dot(y, scaled);
  const roots = windows.map((window) => {
    const squares = Math.max(dot(times(window, y), scaled), 1e-30); // of a small window it may be negative
    const own = dot(times(window, s), y) / squares / whole;
    return Math.sqrt(whole * Math.min(3, Math.max(1 / 3, own)));
  });
  const root = (pixel: number) =>
    windows.reduce((sum, u, index) => sum + (u[pixel] ?? 0) * (roots[index] ?? 0), 0);
  let inverse = start.map((row, i) => row.map((value, j) => root(i) * value * root(j)));
  for (const { s, y } of pairs) {
    const left = unit();
    const added = unit().map((row) => row.fill(0));
    for (const window of windows) {
      const [us, uy] = [times(window, s), times(window, y)];
      const curvature = dot(us, y);
      if (curvature > 1e-3 * Math.sqrt(dot(us, s) * dot(uy, y))) {
        addProduct(left, us, uy, -1 / curvature);
        addProduct(added, us, us, 1 / curvature);
      }
    }
    const product = multiply(multiply(left, inverse), transpose(left));
    inverse = product.map((row, i) => row.map((value, j) => value + (added[i]?.[j] ?? 0)));
  }
  return Float64Array.from(inverse, (row) => -dot(row, gradient));
}

/** What each window weighs at each pixel and colour; its own to dispose of. */
function weightsOf(windows: Windows): Float64Array[] {
  const weights: Float64Array[] = [];
  tf.tidy(() => {
    const ones = tf.ones(SHAPE) as Tensor4D;
    const { shape } = windows.products(ones, ones);
    const count = shape[0] * shape[1];
    for (let index = 0; index < count; index += 1) {
      const factors = tf.tensor2d(new Float32Array(count).fill(1, index, index + 1), shape);
      weights.push(Float64Array.from(windows.scale(ones, factors).dataSync<"float32">()));
    }
  });
  windows.dispose();
  return weights;
}

/** The matrix of a preconditioner that knows of a pair, column by column (it is symmetric). */
function dense(preconditioner: Preconditioner, newest: DensePair | undefined): Float64Array[] {
  const tensor = (values: Float64Array) => tf.tensor4d(Float32Array.from(values), SHAPE);
  tf.tidy(() => preconditioner.fit(newest && { s: tensor(newest.s), y: tensor(newest.y) }));
  const matrix = unit().map((row) => {
    const [x, product] = tf.tidy(() => {
      const x = tensor(row);
      return [x, preconditioner.apply(x)];
    });
    const values = Float64Array.from(product.dataSync<"float32">());
    tf.dispose([x, product]);
    return values;
  });
  preconditioner.dispose();
  return matrix;
}

function unit(): Float64Array[] {
  return Array.from({ length: SIZE }, (_, index) => new Float64Array(SIZE).fill(1, index, index + 1));
}

function transpose(matrix: Float64Array[]): Float64Array[] {
  return matrix.map((_, column) => Float64Array.from(matrix, (row) => row[column] ?? 0));
}

function multiply(a: Float64Array[], b: Float64Array[]): Float64Array[] {
  const columns = transpose(b);
  return a.map((row) => Float64Array.from(columns, (column) => dot(row, column)));
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}

function relativeError(value: Float64Array, expected: Float64Array): number {
  const difference = value.map((x, index) => x - (expected[index] ?? 0));
  return Math.sqrt(dot(difference, difference) / dot(expected, expected));
}

function times(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, index) => value * (b[index] ?? 0));
}

/** Adds factor·a·bᵀ. */
function addProduct(matrix: Float64Array[], a: Float64Array, b: Float64Array, factor: number): void {
  for (const [i, row] of matrix.entries()) {
    for (const [j, value] of b.entries()) {
      row[j] = (row[j] ?? 0) + factor * (a[i] ?? 0) * value;
    }
  }
}
