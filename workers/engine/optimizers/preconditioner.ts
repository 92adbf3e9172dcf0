import { type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";

/** A symmetric, positive definite matrix, near the inverse of the loss's curvature up to a factor, or a power of that. */
export interface Preconditioner {
  /** Its product with a picture's change or gradient `[1, h, w, 3]`. */
  apply(x: Tensor4D): Tensor4D;
  dispose(): void;
}

/** Rows: brightness, red against blue, green against both; orthonormal. */
const OPPONENT_COLOURS = [
  [Math.sqrt(1 / 3), Math.sqrt(1 / 3), Math.sqrt(1 / 3)],
  [Math.sqrt(1 / 2), 0, -Math.sqrt(1 / 2)],
  [-Math.sqrt(1 / 6), Math.sqrt(2 / 3), -Math.sqrt(1 / 6)],
];

/**
 * ‖y‖ / ‖s‖ of L-BFGS's pairs (change of the gradient by change of the picture), in half octaves of spatial frequency
 * from 2^LOWEST_OCTAVE cycles a pixel on, against the least.
 */
const LOWEST_OCTAVE = -5.76;
const CURVATURE = [
  [3, 8, 12.5, 25, 35, 46, 53, 58, 51, 40, 23, 13],
  [9, 16, 22, 25, 26, 23, 20, 18, 18, 8, 2.5, 1],
  [14, 24, 26, 31, 30, 28, 26, 31, 29, 12, 4.5, 1.5],
];

/**
 * Diagonal in spatial frequency and opponent colours: Cᵀ·D·C with C the discrete cosine transform (DCT-II) of rows and
 * columns. VGG-19 sees brightness at middle frequencies twenty times as well as the broad and the fine, and colours at
 * fine ones hardly at all.
 *
 * What it makes of white noise has the noise's root mean square.
 */
export class SpectralPreconditioner implements Preconditioner {
  readonly #rows: Tensor2D;
  readonly #columns: Tensor2D;
  readonly #colours: Tensor2D;
  /** `[w·h, 3]` */
  readonly #diagonal: Tensor2D;

  /** @param power of the curvature that waves are divided by */
  constructor(height: number, width: number, power: number) {
    this.#rows = tf.keep(cosines(height));
    this.#columns = tf.keep(height === width ? this.#rows.clone() : cosines(width));
    this.#colours = tf.keep(tf.tensor2d(OPPONENT_COLOURS));
    this.#diagonal = tf.keep(diagonal(height, width, power));
  }

  apply(x: Tensor4D): Tensor4D {
    return tf.tidy(() => {
      const [, height, width] = x.shape;
      const turned = tf.matMul(this.#rows, x.reshape([height, width * 3]));
      const columns = turned.reshape([height, width, 3]).transpose([1, 0, 2]);
      const spectrum = tf.matMul(this.#columns, columns.reshape([width, height * 3]));
      const opponents: Tensor2D = tf.matMul(
        spectrum.reshape([width * height, 3]),
        this.#colours,
        false,
        true,
      );
      const scaled: Tensor2D = tf.matMul(opponents.mul(this.#diagonal), this.#colours);
      const back = tf.matMul(this.#columns, scaled.reshape([width, height * 3]), true, false);
      const rows = back.reshape([width, height, 3]).transpose([1, 0, 2]);
      return tf.matMul(this.#rows, rows.reshape([height, width * 3]), true, false).reshape(x.shape);
    });
  }

  dispose(): void {
    tf.dispose([this.#rows, this.#columns, this.#colours, this.#diagonal]);
  }
}

/** The orthonormal DCT-II of `length` numbers: row k is √(2/n)·cos(π·k·(2i + 1) / 2n), the first √(1/n). */
function cosines(length: number): Tensor2D {
  const values = new Float32Array(length * length);
  for (let k = 0; k < length; k += 1) {
    const norm = Math.sqrt((k === 0 ? 1 : 2) / length);
    for (let i = 0; i < length; i += 1) {
      values[k * length + i] = norm * Math.cos((Math.PI * k * (2 * i + 1)) / (2 * length));
    }
  }
  return tf.tensor2d(values, [length, length]);
}

function diagonal(height: number, width: number, power: number): Tensor2D {
  const values = new Float32Array(width * height * 3);
  for (let column = 0; column < width; column += 1) {
    for (let row = 0; row < height; row += 1) {
      const cyclesPerPixel = Math.hypot(column / (2 * width), row / (2 * height));
      CURVATURE.forEach((curve, colour) => {
        values[(column * height + row) * 3 + colour] = at(curve, cyclesPerPixel) ** -power;
      });
    }
  }
  const norm = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
  for (const [index, value] of values.entries()) {
    values[index] = value / norm;
  }
  return tf.tensor2d(values, [width * height, 3]);
}

/** Between two half octaves in proportion, beyond the first and the last like these. */
function at(curve: readonly number[], cyclesPerPixel: number): number {
  const place = 2 * (Math.log2(Math.max(cyclesPerPixel, 1e-9)) - LOWEST_OCTAVE);
  const clamped = Math.min(curve.length - 1, Math.max(0, place));
  const below = Math.floor(clamped);
  const [a = 1, b = a] = curve.slice(below, below + 2);
  return a + (b - a) * (clamped - below);
}
