import sharp from "sharp";

/** A picture as rows of samples in [0, 1]. */
export interface Plane {
  width: number;
  height: number;
  data: Float64Array;
}

/** sRGB samples in [0, 1], interleaved: `data.length = width · height · 3`. */
export interface RgbPicture {
  width: number;
  height: number;
  data: Float64Array;
}

/** Reads a picture, scaled to exactly this size. */
export async function readRgb(path: string, width: number, height: number): Promise<RgbPicture> {
  const bytes = await sharp(path)
    .toColourspace("srgb")
    .removeAlpha()
    .resize(width, height, { fit: "fill" })
    .raw()
    .toBuffer();
  return { width, height, data: Float64Array.from(bytes, (value) => value / 255) };
}

/** Luma as Rec. 709 weighs it. */
export function luminance({ width, height, data }: RgbPicture): Plane {
  const plane = new Float64Array(width * height);
  for (let pixel = 0; pixel < plane.length; pixel++) {
    const [red = 0, green = 0, blue = 0] = data.subarray(3 * pixel, 3 * pixel + 3);
    plane[pixel] = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }
  return { width, height, data: plane };
}

/**
 * Where a value lies between the floor (0) and the ceiling (1) of its measure on this pair. It is not clamped: a value
 * beyond either end says so.
 */
export const scaleBetween = (value: number, floor: number, ceiling: number) =>
  (value - floor) / (ceiling - floor);
