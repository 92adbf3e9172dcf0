import {
  fourier,
  inverseFourier,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tf,
} from "../tensorflow.ts";

/** A step s and the change of the gradient over it y, both `[1, h, w, 3]`. */
export interface Pair {
  s: Tensor4D;
  y: Tensor4D;
}

/** A symmetric, positive definite matrix, near the inverse of the loss's curvature up to a factor, or a power of that. */
export interface Preconditioner {
  /** Its product with a picture's change or gradient `[1, h, w, 3]`. */
  apply(x: Tensor4D): Tensor4D;
  /** Becomes what a pair tells of the curvature, whatever it was before; what it is as a rule where there is none. */
  fit(pair: Pair | undefined): void;
  dispose(): void;
}

/** Rows: brightness, red against blue, green against both; orthonormal. */
const OPPONENT_COLOURS = [
  [Math.sqrt(1 / 3), Math.sqrt(1 / 3), Math.sqrt(1 / 3)],
  [Math.sqrt(1 / 2), 0, -Math.sqrt(1 / 2)],
  [-Math.sqrt(1 / 6), Math.sqrt(2 / 3), -Math.sqrt(1 / 6)],
];

/**
 * The network's part of sᵀy / sᵀs over L-BFGS's pairs, in half octaves of spatial frequency from 2^LOWEST_OCTAVE cycles a
 * pixel on, up to a factor: the geometric mean over pairs of pictures (bench/RESULTS.md), and nowhere less than a 20th of the most.
 */
const LOWEST_OCTAVE = -5.76;
const NETWORK_CURVATURE = [
  [1, 2.2, 3.1, 4.4, 7.1, 11, 17, 20, 15, 8.3, 4, 1.2],
  [2.3, 6, 8.3, 10.3, 9.7, 6.5, 3.9, 2.5, 2.3, 1, 1, 1],
  [4.4, 14, 18.5, 22, 18.5, 12, 6.9, 5.6, 5.5, 2.4, 1, 1],
];

/** How much there is of total variation's curvature to so much of the network's: as a rule with presets, and at most. */
const USUAL_SMOOTHNESS = 0.8;
const MOST_SMOOTHNESS = 1000;

/**
 * Diagonal in spatial frequency and opponent colours: Fᴴ·D·F with F the discrete Fourier transform of rows and columns, to
 * which the picture goes on at its other side.
 *
 * D is the curvature to a power, and the curvature has two parts. VGG-19 sees brightness at middle frequencies twenty times
 * as well as the broad and the fine, and colours at fine ones hardly at all: that was measured, and is much alike for all
 * pictures but for a factor. Total variation's grows with frequency as 4 − 2·cos 2πu − 2·cos 2πv, but for a factor. How
 * much there is of each, which weights, pictures and formula decide, fit() finds out; until then it is as presets have it.
 *
 * What it makes of white noise has the noise's root mean square.
 */
export class SpectralPreconditioner implements Preconditioner {
  readonly #power: number;
  readonly #colours: Tensor2D;
  /** The two parts, `[3, h, ⌊w/2⌋ + 1]` and `[1, h, ⌊w/2⌋ + 1]`. */
  readonly #network: Tensor3D;
  readonly #smoothness: Tensor3D;
  /** How often each column of the spectrum counts, `[1, 1, ⌊w/2⌋ + 1]`: the columns left out mirror these. */
  readonly #counts: Tensor3D;
  /** D, `[3, h, ⌊w/2⌋ + 1]`, complex as the spectrum is. */
  #diagonal: Tensor;

  /** @param power of the curvature that waves are divided by */
  constructor(height: number, width: number, power: number) {
    this.#power = power;
    this.#colours = tf.keep(tf.tensor2d(OPPONENT_COLOURS));
    const smooth: Wave = (u, v) => 4 - 2 * Math.cos(2 * Math.PI * u) - 2 * Math.cos(2 * Math.PI * v);
    this.#network = tf.keep(spectrumOf(NETWORK_CURVATURE.map(along), height, width));
    this.#smoothness = tf.keep(spectrumOf([smooth], height, width));
    this.#counts = tf.keep(spectrumOf([(_, v) => (v === 0 || v === 0.5 ? 1 : 2)], 1, width));
    this.#diagonal = this.#diagonalOf(USUAL_SMOOTHNESS);
  }

  apply(x: Tensor4D): Tensor4D {
    return tf.tidy(() => {
      const [, height, width] = x.shape;
      const scaled = inverseFourier(this.#spectrum(x).mul(this.#diagonal), [height, width]);
      return tf.matMul(scaled.reshape([3, -1]), this.#colours, true, false).reshape(x.shape);
    });
  }

  fit(pair: Pair | undefined): void {
    const smoothness = pair === undefined ? USUAL_SMOOTHNESS : this.#smoothnessOf(pair);
    this.#diagonal.dispose();
    this.#diagonal = this.#diagonalOf(smoothness);
  }

  /** b / a of the a and b ≥ 0 for which (a·network + b·smoothness)·s comes nearest to y, by least squares. */
  #smoothnessOf({ s, y }: Pair): number {
    const sums = tf.tidy(() => {
      const [step, change] = [this.#spectrum(s), this.#spectrum(y)];
      const energy = this.#product(step, step);
      const along = this.#product(step, change);
      const [network, smoothness] = [this.#network, this.#smoothness];
      const terms = [
        ...[energy.mul(network).mul(network), energy.mul(network).mul(smoothness)],
        ...[energy.mul(smoothness).mul(smoothness), along.mul(network), along.mul(smoothness)],
      ];
      return tf.stack(terms.map((term) => term.sum())).dataSync<"float32">();
    });
    const [networkSquared = 0, both = 0, smoothnessSquared = 0, withNetwork = 0, withSmoothness = 0] = sums;
    // Cramer's rule; the determinant is not negative, and goes in the ratio.
    const a = withNetwork * smoothnessSquared - withSmoothness * both;
    const b = withSmoothness * networkSquared - withNetwork * both;
    if (a <= 0) return b > 0 ? MOST_SMOOTHNESS : USUAL_SMOOTHNESS;
    return Math.min(MOST_SMOOTHNESS, Math.max(0, b / a));
  }

  /** Kept. */
  #diagonalOf(smoothness: number): Tensor {
    return tf.keep(
      tf.tidy(() => {
        const curvature = tf.add(this.#network, this.#smoothness.mul(smoothness));
        const factors = tf.pow(curvature, -this.#power);
        const [, height] = this.#network.shape;
        const energy = factors.square().mul(this.#counts).sum();
        const count = this.#counts.sum().mul(3 * height);
        const real = factors.div(energy.div(count).sqrt());
        return tf.complex(real, tf.zerosLike(real));
      }),
    );
  }

  #spectrum(x: Tensor4D): Tensor {
    const [, height, width] = x.shape;
    const opponents = tf.matMul(this.#colours, x.reshape([-1, 3]), false, true);
    return fourier(opponents.reshape([3, height, width]));
  }

  /** Of two spectra, wave by wave: a's and b's real parts' product and the imaginary ones'. */
  #product(a: Tensor, b: Tensor): Tensor3D {
    const parts = tf.add(tf.mul(tf.real(a), tf.real(b)), tf.mul(tf.imag(a), tf.imag(b)));
    return parts.mul(this.#counts);
  }

  dispose(): void {
    tf.dispose([this.#colours, this.#network, this.#smoothness, this.#counts, this.#diagonal]);
  }
}

/** A value for each wave of `u` cycles a pixel down and `v` across. */
type Wave = (u: number, v: number) => number;

/** Their values where a spectrum has its waves: `[parts, height, ⌊width/2⌋ + 1]`. */
function spectrumOf(parts: readonly Wave[], height: number, width: number): Tensor3D {
  const columns = Math.floor(width / 2) + 1;
  const values = new Float32Array(parts.length * height * columns);
  let index = 0;
  for (const part of parts) {
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        values[index] = part(Math.min(row, height - row) / height, column / width);
        index += 1;
      }
    }
  }
  return tf.tensor3d(values, [parts.length, height, columns]);
}

/** A row of the table: between two half octaves in proportion, beyond the first and the last like these. */
function along(curve: readonly number[]): Wave {
  return (u, v) => {
    const place = 2 * (Math.log2(Math.max(Math.hypot(u, v), 1e-9)) - LOWEST_OCTAVE);
    const clamped = Math.min(curve.length - 1, Math.max(0, place));
    const below = Math.floor(clamped);
    const [a = 1, b = a] = curve.slice(below, below + 2);
    return a + (b - a) * (clamped - below);
  };
}
