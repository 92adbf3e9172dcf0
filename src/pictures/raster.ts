/** A decoded picture: RGB, interleaved by rows, 8 bits a channel; `data.length = width · height · 3`. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  /** How opaque each pixel is, 0 to 255; left out where all are. */
  readonly alpha?: Uint8Array;
}

/** The same with 16 bits a channel. */
export interface Raster16 {
  readonly width: number;
  readonly height: number;
  readonly data: Uint16Array;
  /** How opaque each pixel is, 0 to 255; left out where all are. */
  readonly alpha?: Uint8Array;
}

/** How much each pixel of a picture is meant: 0 not at all, 255 fully; `data.length = width · height`. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
