import { describe, expect, it } from "@jest/globals";
import { SpectralPreconditioner } from "../../../workers/engine/optimizers/preconditioner.ts";
import { type Tensor4D, tf } from "../../../workers/engine/tensorflow.ts";

const [HEIGHT, WIDTH] = [24, 36];

/** Applies it to a picture given pixel by pixel; both as plain numbers. */
function applyTo(
  pixel: (row: number, column: number, colour: number) => number,
  height = HEIGHT,
  width = WIDTH,
) {
  const preconditioner = new SpectralPreconditioner(height, width, 1.4);
  const x = Float32Array.from({ length: height * width * 3 }, (_, index) =>
    pixel(Math.floor(index / 3 / width), Math.floor(index / 3) % width, index % 3),
  );
  const tensor = tf.tensor4d(x, [1, height, width, 3]);
  const product = preconditioner.apply(tensor);
  const y = product.dataSync<"float32">();
  tf.dispose([tensor, product]);
  preconditioner.dispose();
  return { x, y };
}

/** How many times as long as `x` its product is, which must be in its direction. */
function factorOf({ x, y }: ReturnType<typeof applyTo>): number {
  const length = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
  const factor = length(y) / length(x);
  const off = length(y.map((value, index) => value - factor * (x[index] ?? 0)));
  expect(off / length(y)).toBeLessThan(1e-5);
  return factor;
}

const wave = (rows: number, columns: number) => (row: number, column: number) =>
  Math.cos((2 * Math.PI * rows * row) / HEIGHT) * Math.cos((2 * Math.PI * columns * column) / WIDTH);
const redAgainstBlue = (shape: (row: number, column: number) => number) => {
  return (row: number, column: number, colour: number) => (1 - colour) * shape(row, column);
};

/** −1 or 1 without any order (an integer's bits mixed: Wang 2007). */
function whiteNoise(index: number): number {
  let bits = index ^ 61 ^ (index >>> 16);
  bits = Math.imul(bits, 9);
  bits ^= bits >>> 4;
  bits = Math.imul(bits, 0x27d4eb2d);
  return (bits ^ (bits >>> 15)) & 1 ? 1 : -1;
}

const SHAPE: Tensor4D["shape"] = [1, HEIGHT, WIDTH, 3];
const noise = Float32Array.from({ length: HEIGHT * WIDTH * 3 }, (_, index) => whiteNoise(index));

/** Half the gradient of the squared differences between neighbours, the picture going on at its other side. */
function periodicDifferences(x: Float32Array): Float32Array {
  const at = (row: number, column: number, colour: number) =>
    x[(((row + HEIGHT) % HEIGHT) * WIDTH + ((column + WIDTH) % WIDTH)) * 3 + colour] ?? 0;
  return x.map((value, index) => {
    const [row, column, colour] = [Math.floor(index / 3 / WIDTH), Math.floor(index / 3) % WIDTH, index % 3];
    const neighbours = [at(row - 1, column, colour), at(row + 1, column, colour)];
    neighbours.push(at(row, column - 1, colour), at(row, column + 1, colour));
    return neighbours.reduce((sum, neighbour) => sum + value - neighbour, 0);
  });
}

describe("SpectralPreconditioner", () => {
  it("lengthens waves by what the measured curvature at their frequency says, and turns none", () => {
    // A ninth of a cycle a pixel: 12 of the network's curvature, and a little of total variation's; a constant picture: the least.
    const middle = factorOf(applyTo(wave(0, 4)));
    const constant = factorOf(applyTo(() => 0.3));
    expect(constant / middle).toBeGreaterThan(12 ** 1.4);
    expect(constant / middle).toBeLessThan(13 ** 1.4);
    expect(factorOf(applyTo(wave(3, 2)))).toBeGreaterThan(0);
    expect(factorOf(applyTo(wave(0, 1)))).toBeGreaterThan(middle);
  });

  it("tells brightness from colour", () => {
    const quarter = wave(6, 0);
    expect(factorOf(applyTo(redAgainstBlue(quarter)))).toBeGreaterThan(5 * factorOf(applyTo(quarter)));
  });

  it.each([0, 0.1, 30])(
    "finds out from a pair how much total variation there is (%d more), and takes the change of the gradient back to the step",
    (more) => {
      const forward = new SpectralPreconditioner(HEIGHT, WIDTH, -1);
      const inverse = new SpectralPreconditioner(HEIGHT, WIDTH, 1);
      const back = tf.tidy(() => {
        const s = tf.tensor4d(noise, SHAPE);
        const smoothing = tf.tensor4d(periodicDifferences(noise), SHAPE).mul<Tensor4D>(more);
        const y = forward.apply(s).add<Tensor4D>(smoothing);
        inverse.fit({ s, y });
        return inverse.apply(y).dataSync<"float32">();
      });
      expect(factorOf({ x: noise, y: back })).toBeGreaterThan(0);
      forward.dispose();
      inverse.dispose();
    },
  );

  it("forgets what a pair told", () => {
    const preconditioner = new SpectralPreconditioner(HEIGHT, WIDTH, 1.4);
    tf.tidy(() => {
      const x = tf.tensor4d(noise, SHAPE);
      const products = [undefined, { s: x, y: x }, undefined].map((pair) => {
        preconditioner.fit(pair);
        return preconditioner.apply(x).dataSync<"float32">();
      });
      expect(products[1]).not.toEqual(products[0]);
      expect(products[2]).toEqual(products[0]);
    });
    preconditioner.dispose();
  });

  it("is the same for a wave along rows and along columns of the same frequency", () => {
    expect(factorOf(applyTo(wave(2, 0)))).toBeCloseTo(factorOf(applyTo(wave(0, 3))), 2);
  });

  it.each([
    [HEIGHT, WIDTH],
    [HEIGHT - 1, WIDTH - 1],
  ])("keeps the root mean square of white noise, %i × %i px", (height, width) => {
    const { x, y } = applyTo(
      (row, column, colour) => whiteNoise((row * width + column) * 3 + colour),
      height,
      width,
    );
    const energy = (values: Float32Array) => values.reduce((sum, value) => sum + value ** 2, 0);
    expect(Math.sqrt(energy(y) / energy(x))).toBeGreaterThan(0.9);
    expect(Math.sqrt(energy(y) / energy(x))).toBeLessThan(1.1);
  });

  it("leaves no tensor behind", () => {
    const before = tf.memory().numTensors;
    applyTo(wave(1, 1));
    expect(tf.memory().numTensors).toBe(before);
  });
});
