import { type Tensor, type Tensor4D, tf } from "../tensorflow.ts";
import type { LossContext, PictureLoss } from "./loss.ts";

export function createTotalVariation({ options: { tv_weight } }: LossContext): PictureLoss | undefined {
  return tv_weight === 0 ? undefined : { evaluatePicture: (picture) => totalVariation(picture, tv_weight) };
}

/**
 * Total variation, squared: w / (h·W·3) · Σ (x[i+1,j] − x[i,j])² + (x[i,j+1] − x[i,j])² over a picture in [0, 1]
 * (Mahendran & Vedaldi 2015 with β = 2), and its gradient.
 */
export function totalVariation(image: Tensor4D, weight: number): { loss: Tensor; gradient: Tensor4D } {
  return tf.tidy(() => {
    const [, height, width] = image.shape;
    const factor = weight / image.size;
    const down = tf.sub(
      image.slice([0, 1, 0, 0], [1, height - 1, width, 3]),
      image.slice([0, 0, 0, 0], [1, height - 1, width, 3]),
    ) as Tensor4D;
    const right = tf.sub(
      image.slice([0, 0, 1, 0], [1, height, width - 1, 3]),
      image.slice([0, 0, 0, 0], [1, height, width - 1, 3]),
    ) as Tensor4D;
    const loss = tf.add(tf.sum(tf.square(down)), tf.sum(tf.square(right))).mul(factor);
    const pad = (x: Tensor4D, rows: [number, number], columns: [number, number]) =>
      tf.pad(x, [[0, 0], rows, columns, [0, 0]]);
    const vertical = tf.sub(pad(down, [1, 0], [0, 0]), pad(down, [0, 1], [0, 0]));
    const horizontal = tf.sub(pad(right, [0, 0], [1, 0]), pad(right, [0, 0], [0, 1]));
    return { loss, gradient: tf.add(vertical, horizontal).mul(2 * factor) as Tensor4D };
  });
}
