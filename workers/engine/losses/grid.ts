import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import type { Size } from "../../../src/pictures/picture-size.ts";
import { blockOf, gridReduction } from "../network/stages.ts";
import { runKernel, type Tensor4D, tf } from "../tensorflow.ts";

/** ReLUs of blocks 1 to 4: a hypercolumn is all that these say of a place (Hariharan et al. 2015). */
export const HYPERCOLUMN_LAYERS: readonly Layer[] = [
  ...(["block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2"] as const),
  ...(["block3_conv1", "block3_conv2", "block3_conv3", "block3_conv4"] as const),
  ...(["block4_conv1", "block4_conv2", "block4_conv3"] as const),
];

/**
 * The grid on which a picture's hypercolumns are compared. Finer maps are averaged onto it, not sampled, and coarser ones
 * are interpolated; each map is divided by its number of channels.
 */
export class Grid {
  readonly #reduction: number;

  /** @param size of the picture that is painted: the styles have the same grid */
  constructor(size: Size) {
    this.#reduction = gridReduction(size);
  }

  /** Feature rows that begin and end at whole positions of the grid, or the whole map → `[1, rows, columns, channels]`. */
  resample(layer: Layer, features: Tensor4D): Tensor4D {
    const factor = this.#factor(layer);
    return tf.tidy(() => {
      const [, height, width, channels] = features.shape;
      const resampled =
        factor > 1
          ? tf.avgPool(features, factor, factor, "valid")
          : factor === 1
            ? features
            : bilinear(features, Math.round(height / factor), Math.round(width / factor));
      return resampled.div(channels);
    });
  }

  /** The gradient with respect to resample()'s result → with respect to its features, of `shape`. */
  gradient(layer: Layer, gradient: Tensor4D, shape: Tensor4D["shape"]): Tensor4D {
    const factor = this.#factor(layer);
    return tf.tidy(() => {
      const scaled = gradient.div<Tensor4D>(shape[3]);
      if (factor === 1) return scaled;
      if (factor < 1) return bilinearGradient(scaled, shape);
      const window = [1, factor, factor, 1];
      const attributes = { ksize: window, strides: window, padding: "VALID", data_format: "NHWC" };
      return runKernel("AvgPoolGrad", [tf.tensor1d(shape, "int32"), scaled], attributes) as Tensor4D;
    });
  }

  /** The position of the grid that a row of a layer's map begins. */
  rowOf(layer: Layer, row: number): number {
    return row / this.#factor(layer);
  }

  /** How much each position counts, from a mask of the picture's size `[1, h, w, 1]`. */
  weights(mask: Tensor4D): Tensor4D {
    return tf.avgPool(mask, this.#reduction, this.#reduction, "valid");
  }

  /** Positions of the layer's map along each edge of one of the grid. */
  #factor(layer: Layer): number {
    return this.#reduction / 2 ** blockOf(layer);
  }
}

const BILINEAR = { align_corners: false, half_pixel_centers: true };

/** Bilinear interpolation between the middles of pixels. */
export function bilinear(x: Tensor4D, height: number, width: number): Tensor4D {
  return tf.tidy(
    () => runKernel("ResizeBilinear", [x, tf.tensor1d([height, width], "int32")], BILINEAR) as Tensor4D,
  );
}

/** The gradient with respect to bilinear()'s result → with respect to its picture, of `shape`. */
export function bilinearGradient(gradient: Tensor4D, shape: Tensor4D["shape"]): Tensor4D {
  return tf.tidy(() => runKernel("ResizeBilinearGrad", [gradient, tf.zeros(shape)], BILINEAR) as Tensor4D);
}
