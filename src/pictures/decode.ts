import type { Options } from "../contract/options.ts";
import type { Size } from "./picture-size.ts";
import type { Mask, Raster } from "./raster.ts";
import { readableFile } from "./readable-file.ts";
import { type PictureSource, sharp } from "./sharp.ts";

export interface DecodeLimits {
  picturePixels: number;
  pictureSeconds: number;
}

export type ColorSpace = Options["output"]["color_space"];

/**
 * Decodes a picture that `validatePicture` accepted, at the size that `targetSize` returns for its upright size.
 *
 * Applies the EXIF orientation, converts to the colour space from the ICC profile (also CMYK and 16 bits; sRGB without a
 * profile) and turns greyscale into RGB. Drops all metadata.
 */
export async function decodePicture(
  file: PictureSource,
  targetSize: (picture: Size) => Size,
  limits: DecodeLimits,
  colorSpace: ColorSpace = "srgb",
): Promise<Raster> {
  const source = await readableFile(file);
  const { autoOrient: size, icc } = await open(source, limits).metadata();
  const target = targetSize(size);
  if (colorSpace === "p3" && icc) {
    // With 16 bits per channel libvips converts directly to P3, otherwise through sRGB, which has a smaller gamut.
    return await read(upright(source, target, limits).pipelineColourspace("rgb16").withIccProfile("p3"));
  }
  const { width, height, data, alpha } = await read(upright(source, target, limits).toColourspace("srgb"));
  if (colorSpace === "srgb") return { width, height, data, ...(alpha && { alpha }) };
  const converted = await read(sharp(data, { raw: { width, height, channels: 3 } }).withIccProfile("p3"));
  return { ...converted, ...(alpha && { alpha }) };
}

/** Decodes a picture as a mask of exactly this size: its luminance; transparent pixels are black. */
export async function decodeMask(file: PictureSource, size: Size, limits: DecodeLimits): Promise<Mask> {
  const { data, info } = await upright(await readableFile(file), size, limits)
    .flatten({ background: "#000000" })
    .toColourspace("b-w")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: channel(data, info.channels, 0) };
}

type ReadableFile = Awaited<ReturnType<typeof readableFile>>;

function open({ source, failOn }: ReadableFile, { picturePixels }: DecodeLimits) {
  return sharp(source, {
    limitInputPixels: picturePixels,
    failOn,
    pages: 1,
    autoOrient: true,
    sequentialRead: true,
  });
}

function upright(source: ReadableFile, size: Size, limits: DecodeLimits) {
  const { width, height } = size;
  return open(source, limits)
    .timeout({ seconds: limits.pictureSeconds })
    .resize({ width, height, fit: "fill", kernel: "lanczos3" });
}

async function read(picture: ReturnType<typeof open>): Promise<Raster> {
  const { data, info } = await picture.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 3) return { width, height, data };
  if (channels !== 4) throw new Error(`Expected 3 or 4 channels, received ${channels}`);
  const alpha = channel(data, 4, 3);
  const colors = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < alpha.length; pixel += 1) {
    for (let index = 0; index < 3; index += 1) colors[pixel * 3 + index] = data[pixel * 4 + index] ?? 0;
  }
  const isOpaque = alpha.every((value) => value === 255);
  return { width, height, data: colors, ...(!isOpaque && { alpha }) };
}

/** Extracts one of the interleaved channels. */
function channel(data: Uint8Array, channels: number, index: number): Uint8Array {
  return new Uint8Array(data.length / channels).map((_, pixel) => data[pixel * channels + index] ?? 0);
}
