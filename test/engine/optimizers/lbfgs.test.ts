import { describe, expect, it } from "@jest/globals";
import { Lbfgs } from "../../../workers/engine/optimizers/lbfgs.ts";
import {
  type Preconditioner,
  SpectralPreconditioner,
} from "../../../workers/engine/optimizers/preconditioner.ts";
import { tf } from "../../../workers/engine/tensorflow.ts";
import { describeOptimizer } from "./conformance.ts";
import { evaluate, type LossFunction, SHAPE, SIZE, startImage } from "./problems.ts";

const [, HEIGHT, WIDTH] = SHAPE;
const spectral = () => new SpectralPreconditioner(HEIGHT, WIDTH);
const identity: Preconditioner = { apply: (x) => x.clone(), dispose: () => {} };

describeOptimizer("L-BFGS", 60, (image) => new Lbfgs(image, 1, identity));
// These problems' curvature has nothing to do with spatial frequency: the preconditioner is in the way here.
describeOptimizer("L-BFGS, preconditioned,", 150, (image) => new Lbfgs(image, 1, spectral()));

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
    ["the identity", () => identity],
    ["the spectral preconditioner", spectral],
  ])(
    "steps along −H·g, with H the dense BFGS matrix of its latest pairs from %s on, built in float64",
    (_, create) => {
      const optimizer = new Lbfgs(startImage(), 1, create());
      const start = dense(create());
      const pairs: { s: Float64Array; y: Float64Array }[] = [];
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
        const expected = denseDirection(start, pairs.slice(-HISTORY), gradient);
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
    const optimizer = new Lbfgs(startImage(), 10, spectral());
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
    const optimizer = new Lbfgs(startImage(), 1, spectral());
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

/** −H·g, H by the BFGS update H ← (I − ρsyᵀ)·H·(I − ρysᵀ) + ρssᵀ from γH₀ (Nocedal & Wright, eq. 6.17 and 7.20). */
function denseDirection(
  start: Float64Array[],
  pairs: { s: Float64Array; y: Float64Array }[],
  gradient: Float64Array,
): Float64Array | undefined {
  const newest = pairs.at(-1);
  if (newest === undefined) {
    return undefined;
  }
  const scaled = Float64Array.from(start, (row) => dot(row, newest.y));
  const gamma = dot(newest.s, newest.y) / dot(newest.y, scaled);
  let inverse = start.map((row) => row.map((value) => value * gamma));
  for (const { s, y } of pairs) {
    const rho = 1 / dot(s, y);
    const left = unit().map((row, i) => row.map((value, j) => value - rho * (s[i] ?? 0) * (y[j] ?? 0)));
    const product = multiply(multiply(left, inverse), transpose(left));
    inverse = product.map((row, i) => row.map((value, j) => value + rho * (s[i] ?? 0) * (s[j] ?? 0)));
  }
  return Float64Array.from(inverse, (row) => -dot(row, gradient));
}

/** The matrix of a preconditioner, column by column (it is symmetric). */
function dense(preconditioner: Preconditioner): Float64Array[] {
  const matrix = unit().map((row) => {
    const [x, product] = tf.tidy(() => {
      const x = tf.tensor4d(Float32Array.from(row), SHAPE);
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
