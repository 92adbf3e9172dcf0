import type { Sharp } from "sharp";
import type { PictureType } from "./picture-type.ts";
import type { Raster } from "./raster.ts";
import { type PictureSource, sharp } from "./sharp.ts";

export interface Encoding {
  format: PictureType;
  /** 1 to 100; png, which loses nothing, ignores it. */
  quality: number;
}

/** A raster as a picture file; `description` says in its EXIF how it was made. */
export async function encodePicture(
  raster: Raster,
  encoding: Encoding,
  description?: string,
): Promise<Uint8Array> {
  const { data, width, height } = raster;
  return await write(sharp(data, { raw: { width, height, channels: 3 } }), encoding, description);
}

/** A picture that this service wrote in another format; what its EXIF says stays. */
export async function convertPicture(source: PictureSource, encoding: Encoding): Promise<Uint8Array> {
  return await write(sharp(source).keepExif(), encoding);
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
      return await described.jpeg({ quality, chromaSubsampling: "4:4:4" }).toBuffer();
    case "webp":
      return await described.webp({ quality }).toBuffer();
    case "avif":
      return await described.avif({ quality }).toBuffer();
  }
}
