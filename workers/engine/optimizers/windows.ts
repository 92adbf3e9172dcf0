import { type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";

/**
 * Overlapping windows over a picture `[1, h, w, 3]`, about `edge` px apart, whose weights add up to 1 at each pixel: hat
 * functions of the rows times those of the columns. One window of weight 1 where the picture has no room for two.
 */
export class Windows {
  /** `[h, windows]` */
  readonly #rows: Tensor2D;
  /** `[w·3, windows]`: the three colours of a pixel weigh the same. */
  readonly #columns: Tensor2D;

  constructor(height: number, width: number, edge: number) {
    this.#rows = tf.keep(hats(height, edge, 1));
    this.#columns = tf.keep(hats(width, edge, 3));
  }

  /** Σ a·b over each window, all colours together: `[windows down, windows across]`. They add up to aᵀb. */
  products(a: Tensor4D, b: Tensor4D): Tensor2D {
    return tf.tidy(() => {
      const [, height, width] = a.shape;
      const product: Tensor2D = tf.mul(a, b).reshape([height, width * 3]);
      return tf.matMul<Tensor2D>(tf.matMul(this.#rows, product, true, false), this.#columns);
    });
  }

  /** `x`, each pixel times the mean of its windows' `factors` (`[windows down, windows across]`) by their weights. */
  scale(x: Tensor4D, factors: Tensor2D): Tensor4D {
    return tf.tidy(() => {
      const map = tf.matMul(tf.matMul(this.#rows, factors), this.#columns, false, true);
      return x.mul(map.reshape(x.shape));
    });
  }

  dispose(): void {
    tf.dispose([this.#rows, this.#columns]);
  }
}

/** `[length·repeat, windows]`: what each window weighs at each place; 1 between the border and the first one's middle. */
function hats(length: number, edge: number, repeat: number): Tensor2D {
  const count = Math.max(1, Math.round(length / edge));
  const weights = new Float32Array(length * repeat * count);
  for (let place = 0; place < length; place += 1) {
    const position = Math.min(count - 1, Math.max(0, ((place + 0.5) * count) / length - 0.5));
    const first = Math.min(Math.floor(position), Math.max(0, count - 2));
    for (let copy = place * repeat; copy < (place + 1) * repeat; copy += 1) {
      weights[copy * count + first] = 1 - (position - first);
      if (count > 1) {
        weights[copy * count + first + 1] = position - first;
      }
    }
  }
  return tf.tensor2d(weights, [length * repeat, count]);
}
