import { type Tensor4D, tf } from "../tensorflow.ts";

/** Weights of R, G and B in luma (ITU-R BT.601). */
const LUMA = [0.299, 0.587, 0.114];

/** `[1, h, w, 3]` → its luma in all three channels. */
export function toLuminance(image: Tensor4D): Tensor4D {
  return tf.tidy(() => tf.tile(luma(image), [1, 1, 1, 3]));
}

/**
 * The colours of one picture with the light and dark of another (Gatys et al. 2016, luminance-only transfer): chroma
 * stays where all three channels change by as much as the luma does. Clipped to [0, 1].
 */
export function withLuminanceOf(colors: Tensor4D, painted: Tensor4D): Tensor4D {
  return tf.tidy(() => {
    const change = tf.sub(luma(painted), luma(colors));
    return tf.clipByValue(tf.add(colors, change) as Tensor4D, 0, 1);
  });
}

/** `[1, h, w, 1]`. */
function luma(image: Tensor4D): Tensor4D {
  return tf.sum(tf.mul(image, tf.tensor1d(LUMA)), 3, true) as Tensor4D;
}
