import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import type { Size } from "../../../src/pictures/picture-size.ts";
import { mirrorPad, mirrorPadGradient, type Paddings } from "../margin.ts";
import { type Tensor4D, tf } from "../tensorflow.ts";
import { blockOf, mapSize } from "./stages.ts";

/** Rows of a layer's feature map, from `firstRow` of the whole map on. */
export interface FeatureRows {
  features: Tensor4D;
  firstRow: number;
}

/** How the picture lies in its frame: `width` pixels on each side, moved down by `down` and right by `right`. */
export interface Framing {
  width: number;
  down: number;
  right: number;
}

export const NO_FRAME: Framing = { width: 0, down: 0, right: 0 };

/**
 * Mirrored pixels around a picture that no loss sees. VGG-19's convolutions pad with zeros, and an optimiser paints what
 * these do to the features: a frame along the picture's edges.
 *
 * A picture that is moved within its frame is pooled on another lattice. Maximum pooling gives its gradient to one position
 * of each window: always on the same lattice, that makes a white dot every 8 px in flat, dark areas.
 */
export class Frame {
  readonly #size: Size;
  readonly #width: number;
  readonly #paddings: Paddings;

  /** @param size of the picture without it */
  constructor(size: Size, { width, down, right }: Framing) {
    this.#size = size;
    this.#width = width;
    // A mirror shows no more than there is.
    const dy = size.height < width + Math.abs(down) ? 0 : down;
    const dx = size.width < width + Math.abs(right) ? 0 : right;
    this.#paddings = { top: width + dy, bottom: width - dy, left: width + dx, right: width - dx };
  }

  add(picture: Tensor4D): Tensor4D {
    return mirrorPad(picture, this.#paddings);
  }

  /** The gradient with respect to the framed picture → with respect to the picture. */
  fold(gradient: Tensor4D): Tensor4D {
    return mirrorPadGradient(gradient, this.#paddings);
  }

  /** What lies inside of the frame of some rows of a framed map; undefined if nothing does. */
  crop(layer: Layer, { features, firstRow }: FeatureRows): FeatureRows | undefined {
    const { first, last, offset, width } = this.#inside(layer, features, firstRow);
    if (first >= last) return undefined;
    if (this.#width === 0) return { features: features.clone(), firstRow };
    const shape: Tensor4D["shape"] = [1, last - first, width, features.shape[3]];
    return { features: features.slice([0, first - firstRow, offset, 0], shape), firstRow: first - offset };
  }

  /** A gradient at what crop() gave → at all the rows it was given; disposes of `gradient`. */
  pad(layer: Layer, gradient: Tensor4D, { features, firstRow }: FeatureRows): Tensor4D {
    if (this.#width === 0) return gradient;
    const { first, last, offset, width } = this.#inside(layer, features, firstRow);
    const [, rows, columns] = features.shape;
    const padded = tf.pad(gradient, [
      [0, 0],
      [first - firstRow, firstRow + rows - last],
      [offset, columns - offset - width],
      [0, 0],
    ]);
    gradient.dispose();
    return padded;
  }

  /** Rows `first` to `last` exclusive and `width` columns from `offset` on, in positions of the framed map. */
  #inside(layer: Layer, features: Tensor4D, firstRow: number) {
    const { width, height } = mapSize(this.#size, layer);
    const offset = Math.floor(this.#width / 2 ** blockOf(layer));
    const first = Math.max(firstRow, offset);
    const last = Math.min(firstRow + features.shape[1], offset + height);
    return { first, last, offset, width };
  }
}
