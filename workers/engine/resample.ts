import type { Mask, Raster, Raster16 } from "../../src/pictures/raster.ts";
import { runKernel, type Tensor4D, tf } from "./tensorflow.ts";

/** A decoded picture → `[1, h, w, 3]`, RGB in [0, 1]. */
export function toTensor({ width, height, data }: Raster | Raster16): Tensor4D {
  return tf.tidy(() => {
    const levels = data.BYTES_PER_ELEMENT === 1 ? 255 : 65_535;
    return tf.tensor4d(new Int32Array(data), [1, height, width, 3], "int32").toFloat().div(levels);
  });
}

/** A mask → `[1, h, w, 1]` in [0, 1]. */
export function maskTensor({ width, height, data }: Mask): Tensor4D {
  return tf.tidy(() => tf.tensor4d(data, [1, height, width, 1], "int32").toFloat().div(255));
}

/**
 * `[1, h, w, 3]`, RGB in [0, 1] (clipped) → a picture of 8 bits a channel.
 *
 * @param visible `[1, h, w, 1]`, how opaque it is; opaque where left out
 */
export function toRaster(image: Tensor4D, visible?: Tensor4D): Raster {
  const [, height, width] = image.shape;
  const data = new Uint8Array(levelsOf(image, 255));
  return { width, height, data, ...(visible && { alpha: new Uint8Array(levelsOf(visible, 255)) }) };
}

/** The same with 16 bits a channel. */
export function toRaster16(image: Tensor4D, visible?: Tensor4D): Raster16 {
  const [, height, width] = image.shape;
  const data = new Uint16Array(levelsOf(image, 65_535));
  return { width, height, data, ...(visible && { alpha: new Uint8Array(levelsOf(visible, 255)) }) };
}

function levelsOf(image: Tensor4D, levels: number): Int32Array {
  const rounded = tf.tidy(() => tf.clipByValue(image, 0, 1).mul(levels).round().toInt());
  const data = rounded.dataSync<"int32">();
  rounded.dispose();
  return data;
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
