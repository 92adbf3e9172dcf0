import { fourier, inverseFourier, type Tensor, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";

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
 * Diagonal in spatial frequency and opponent colours: Fᴴ·D·F with F the discrete Fourier transform of rows and columns, to
 * which the picture goes on at its other side. VGG-19 sees brightness at middle frequencies twenty times as well as the
 * broad and the fine, and colours at fine ones hardly at all.
 *
 * What it makes of white noise has the noise's root mean square.
 */
export class SpectralPreconditioner implements Preconditioner {
  readonly #colours: Tensor2D;
  /** `[3, h, ⌊w/2⌋ + 1]`, complex as the spectrum is. */
  readonly #diagonal: Tensor;

  /** @param power of the curvature that waves are divided by */
  constructor(height: number, width: number, power: number) {
    this.#colours = tf.keep(tf.tensor2d(OPPONENT_COLOURS));
    this.#diagonal = tf.keep(diagonal(height, width, power));
  }

  apply(x: Tensor4D): Tensor4D {
    return tf.tidy(() => {
      const [, height, width] = x.shape;
      const opponents = tf.matMul(this.#colours, x.reshape([-1, 3]), false, true);
      const spectrum = fourier(opponents.reshape([3, height, width]));
      const scaled = inverseFourier(spectrum.mul(this.#diagonal), [height, width]);
      return tf.matMul(scaled.reshape([3, -1]), this.#colours, true, false).reshape(x.shape);
    });
  }

  dispose(): void {
    tf.dispose([this.#colours, this.#diagonal]);
  }
}

function diagonal(height: number, width: number, power: number): Tensor {
  const columns = Math.floor(width / 2) + 1;
  const values = new Float32Array(3 * height * columns);
  let energy = 0;
  let index = 0;
  for (const curve of CURVATURE) {
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        const cyclesPerPixel = Math.hypot(Math.min(row, height - row) / height, column / width);
        const value = at(curve, cyclesPerPixel) ** -power;
        values[index] = value;
        energy += (column === 0 || 2 * column === width ? 1 : 2) * value ** 2; // the columns left out mirror these
        index += 1;
      }
    }
  }
  const norm = Math.sqrt(energy / (3 * height * width));
  return tf.tidy(() => {
    const real = tf.tensor3d(values, [3, height, columns]).div<Tensor>(norm);
    return tf.complex(real, tf.zerosLike(real));
  });
}

/** Between two half octaves in proportion, beyond the first and the last like these. */
function at(curve: readonly number[], cyclesPerPixel: number): number {
  const place = 2 * (Math.log2(Math.max(cyclesPerPixel, 1e-9)) - LOWEST_OCTAVE);
  const clamped = Math.min(curve.length - 1, Math.max(0, place));
  const below = Math.floor(clamped);
  const [a = 1, b = a] = curve.slice(below, below + 2);
  return a + (b - a) * (clamped - below);
}
