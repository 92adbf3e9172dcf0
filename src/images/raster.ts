/** A decoded picture: RGB, interleaved by rows, 8 bits a channel, sRGB; `data.length = width · height · 3`. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
