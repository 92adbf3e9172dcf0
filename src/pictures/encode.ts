import type { Sharp } from "sharp";
import type { ColorSpace } from "./decode.ts";
import type { PictureType } from "./picture-type.ts";
import type { Raster, Raster16 } from "./raster.ts";
import { type PictureSource, sharp } from "./sharp.ts";

export interface Encoding {
  format: PictureType;
  /** 1 to 100; png, which loses nothing, ignores it. */
  quality: number;
  /** 16 for png alone; 8 if not given. */
  bit_depth?: 8 | 16;
  /** What the raster's colours are, and the file's: sRGB if not given. */
  color_space?: ColorSpace;
}

/** A raster as a picture file; `description` says in its EXIF how it was made. JPEG shows white where it is transparent. */
export async function encodePicture(
  raster: Raster | Raster16,
  encoding: Encoding,
  description?: string,
): Promise<Uint8Array> {
  const isDeep = encoding.format === "png" && encoding.bit_depth === 16;
  const isWide = encoding.color_space === "p3";
  // libvips takes 16 bits a channel for P3 already, and only says so in the file; of 8 it would think sRGB.
  const picture = toSharp(raster, isDeep || isWide);
  const tagged = isWide ? picture.withIccProfile("p3") : picture;
  return await write(isDeep ? tagged.toColourspace("rgb16") : tagged, encoding, description);
}

/** A picture that this service wrote in another format; what its EXIF says stays, and so do its colours. */
export async function convertPicture(source: PictureSource, encoding: Encoding): Promise<Uint8Array> {
  return await write(sharp(source).keepExif().keepIccProfile(), encoding);
}

function toSharp({ width, height, data, alpha }: Raster | Raster16, deep: boolean): Sharp {
  const channels = alpha ? 4 : 3;
  const raw = { width, height, channels } as const;
  const bits = data.BYTES_PER_ELEMENT * 8;
  const factor = deep && bits === 8 ? 257 : 1;
  if (!alpha && factor === 1) return sharp(data, { raw });
  const samples = new (deep || bits === 16 ? Uint16Array : Uint8Array)(width * height * channels);
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
      // Brush strokes are coloured edges: halving the chroma would blur them.
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
