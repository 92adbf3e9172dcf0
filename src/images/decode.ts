import type { Size } from "./picture-size.ts";
import type { Raster } from "./raster.ts";
import { type PictureSource, sharp } from "./sharp.ts";

export interface DecodeLimits {
  picturePixels: number;
  pictureSeconds: number;
}

/**
 * Decodes a picture that `checkPicture` let in, at the size that `targetSize` gives for its own (upright) size.
 *
 * Pixels are turned upright by EXIF orientation, brought to sRGB by their ICC profile (CMYK and 16 bits
 * included), greys become three equal channels, and transparency shows white. Metadata is left behind.
 */
export async function decodePicture(
  source: PictureSource,
  targetSize: (picture: Size) => Size,
  limits: DecodeLimits,
): Promise<Raster> {
  const { autoOrient: size } = await sharp(source, { limitInputPixels: limits.picturePixels }).metadata();
  const { data, info } = await sharp(source, {
    limitInputPixels: limits.picturePixels,
    failOn: "error",
    pages: 1,
    autoOrient: true,
    sequentialRead: true,
  })
    .timeout({ seconds: limits.pictureSeconds })
    .resize({ ...targetSize(size), fit: "fill", kernel: "lanczos3" })
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`Expected 3 channels, received ${info.channels}`);
  return { width: info.width, height: info.height, data };
}
