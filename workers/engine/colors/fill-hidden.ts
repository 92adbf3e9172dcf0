import { resample } from "../resample.ts";
import { type Tensor4D, tf } from "../tensorflow.ts";

/**
 * Paints over what a transparent picture hides: there, the visible pixels' colours are drawn out further and further,
 * so that no edge shows where they end, and what the file has there has no say.
 *
 * @param image `[1, h, w, 3]` @param visible `[1, h, w, 1]` in [0, 1]
 */
export function fillHidden(image: Tensor4D, visible: Tensor4D): Tensor4D {
  return tf.tidy(() => {
    const [, height, width] = image.shape;
    const shown = tf.mul(image, visible) as Tensor4D;
    if (Math.min(height, width) < 2) {
      return shown.add(tf.sub(1, visible).mul(0.5)) as Tensor4D;
    }
    // Half the size: colours weighted by how much is seen of them.
    const half = (x: Tensor4D) => tf.avgPool(x, 2, 2, "same");
    const coarseVisible = half(visible);
    const coarse = half(shown).div(tf.maximum(coarseVisible, 1e-6)) as Tensor4D;
    const fill = resample(fillHidden(coarse, tf.minimum(coarseVisible.mul(4), 1)), width, height);
    return tf.add(shown, fill.mul(tf.sub(1, visible))) as Tensor4D;
  });
}
