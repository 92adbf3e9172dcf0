/** A decoded picture: interleaved RGB, row by row, 8 bits per channel; `data.length = width · height · 3`. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  /** The opacity of each pixel, 0 to 255; absent if all pixels are opaque. */
  readonly alpha?: Uint8Array;
}

/** A decoded picture with 16 bits per channel. */
export interface Raster16 {
  readonly width: number;
  readonly height: number;
  readonly data: Uint16Array;
  /** The opacity of each pixel, 0 to 255; absent if all pixels are opaque. */
  readonly alpha?: Uint8Array;
}

/** A weight for each pixel of a picture, 0 to 255; `data.length = width · height`. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
