import type { Raster } from "../../src/images/raster.ts";
import { runKernel, type Tensor4D, tf } from "./tensorflow.ts";

/** A decoded picture → `[1, h, w, 3]`, RGB in [0, 1]. */
export function toTensor({ width, height, data }: Raster): Tensor4D {
  return tf.tidy(() => tf.tensor4d(data, [1, height, width, 3], "int32").toFloat().div(255) as Tensor4D);
}

/** `[1, h, w, 3]`, RGB in [0, 1] (clipped) → a picture of 8 bits a channel. */
export function toRaster(image: Tensor4D): Raster {
  const [, height, width] = image.shape;
  const bytes = tf.tidy(() => tf.clipByValue(image, 0, 1).mul(255).round().toInt());
  const data = new Uint8Array(bytes.dataSync());
  bytes.dispose();
  return { width, height, data };
}

/** Resizes with Lanczos's kernel of radius 3, widened to the source's pixels when shrinking (no aliasing). */
export function resample(image: Tensor4D, width: number, height: number): Tensor4D {
  const [, fromHeight, fromWidth] = image.shape;
  if (fromHeight === height && fromWidth === width) {
    return image.clone();
  }
  return tf.tidy(() => {
    const size = tf.tensor1d([height, width], "int32");
    const scale = tf.tensor1d([height / fromHeight, width / fromWidth]);
    const translation = tf.tensor1d([0, 0]);
    const resized = runKernel("ScaleAndTranslate", [image, size, scale, translation], {
      kernel_type: "lanczos3",
      antialias: true,
    });
    return tf.clipByValue(resized as Tensor4D, 0, 1);
  });
}
