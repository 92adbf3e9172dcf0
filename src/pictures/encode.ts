import type { Sharp } from "sharp";
import type { ColorSpace } from "./decode.ts";
import type { PictureType } from "./picture-type.ts";
import type { Raster, Raster16 } from "./raster.ts";
import { type PictureSource, sharp } from "./sharp.ts";

export interface Encoding {
  format: PictureType;
  /** 1 to 100; png is lossless and ignores it. */
  quality: number;
  /** 16 for png only; the default is 8. */
  bit_depth?: 8 | 16;
  /** The colour space of the raster and of the file; the default is sRGB. */
  color_space?: ColorSpace;
}

/** Encodes a raster as a picture file. `description` goes into its EXIF data. In a JPEG transparent pixels become white. */
export async function encodePicture(
  raster: Raster | Raster16,
  encoding: Encoding,
  description?: string,
): Promise<Uint8Array> {
  const is16Bit = encoding.format === "png" && encoding.bit_depth === 16;
  const isP3 = encoding.color_space === "p3";
  // libvips treats 16 bits per channel as P3 and only adds the profile; it would convert 8 bits from sRGB.
  const picture = toSharp(raster, is16Bit || isP3);
  const tagged = isP3 ? picture.withIccProfile("p3") : picture;
  return await write(is16Bit ? tagged.toColourspace("rgb16") : tagged, encoding, description);
}

/** Converts a picture that this service encoded to another format; keeps its EXIF data and colours. */
export async function convertPicture(source: PictureSource, encoding: Encoding): Promise<Uint8Array> {
  return await write(sharp(source).keepExif().keepIccProfile(), encoding);
}

function toSharp({ width, height, data, alpha }: Raster | Raster16, to16Bit: boolean): Sharp {
  const channels = alpha ? 4 : 3;
  const raw = { width, height, channels } as const;
  const bits = data.BYTES_PER_ELEMENT * 8;
  const factor = to16Bit && bits === 8 ? 257 : 1;
  if (!alpha && factor === 1) return sharp(data, { raw });
  const samples = new (to16Bit || bits === 16 ? Uint16Array : Uint8Array)(width * height * channels);
  const opacity = samples.BYTES_PER_ELEMENT === 2 ? 257 : 1;
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    for (let index = 0; index < 3; index += 1) {
      samples[pixel * channels + index] = (data[pixel * 3 + index] ?? 0) * factor;
    }
    if (alpha) samples[pixel * 4 + 3] = (alpha[pixel] ?? 0) * opacity;
  }
  return sharp(samples, { raw });
}

async function write(
  picture: Sharp,
  { format, quality }: Encoding,
  description?: string,
): Promise<Uint8Array> {
  const described = description
    ? picture.withExif({ IFD0: { Software: "nst", ImageDescription: description } })
    : picture;
  switch (format) {
    case "png":
      return await described.png().toBuffer();
    case "jpeg":
      // Brush strokes are coloured edges, which chroma subsampling would blur.
      return await described
        .flatten({ background: "#ffffff" })
        .jpeg({ quality, chromaSubsampling: "4:4:4" })
        .toBuffer();
    case "webp":
      return await described.webp({ quality }).toBuffer();
    case "avif":
      return await described.avif({ quality }).toBuffer();
  }
}
