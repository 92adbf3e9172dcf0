import { bilinear, bilinearGradient } from "../losses/grid.ts";
import { type Tensor4D, tf } from "../tensorflow.ts";
import type { Parametrization } from "./parametrization.ts";

const LEVELS = 8;

/**
 * A picture as its Laplacian pyramid, the finest level first. A step that changes every coefficient as much moves broad
 * shapes and fine strokes alike; on pixels, broad ones are the slowest to change.
 */
export const PYRAMID: Parametrization = {
  decompose: (picture) =>
    tf.tidy(() => {
      const levels: Tensor4D[] = [];
      let rest = picture;
      for (let level = 0; level < LEVELS; level += 1) {
        const [, height, width] = rest.shape;
        const half = bilinear(rest, Math.max(1, Math.floor(height / 2)), Math.max(1, Math.floor(width / 2)));
        levels.push(tf.sub(rest, bilinear(half, height, width)));
        rest = half;
      }
      return [...levels, rest.clone()];
    }),

  compose: (levels) =>
    tf.tidy(() =>
      levels
        .slice(0, -1)
        .reduceRight(
          (picture, level) => tf.add<Tensor4D>(level, bilinear(picture, level.shape[1], level.shape[2])),
          (levels.at(-1) as Tensor4D).clone(),
        ),
    ),

  gradients: (gradient, levels) =>
    tf.tidy(() => {
      const gradients = [gradient.clone()];
      for (const level of levels.slice(1)) {
        gradients.push(bilinearGradient(gradients.at(-1) as Tensor4D, level.shape));
      }
      return gradients;
    }),

  constrain: (level) => level.clone(),
};

/** Without the finest level of its pyramid. */
export function withoutDetails(picture: Tensor4D): Tensor4D {
  return tf.tidy(() => {
    const [, height, width] = picture.shape;
    return bilinear(
      bilinear(picture, Math.max(1, Math.floor(height / 2)), Math.max(1, Math.floor(width / 2))),
      height,
      width,
    );
  });
}
