import { readFile } from "node:fs/promises";
import { checkHeader, type Frame, type PictureHeader, type PictureLimits } from "./check-header.ts";
import { countFrames } from "./count-frames.ts";
import { isOutOfMemory } from "./out-of-memory.ts";
import { PictureProblem } from "./picture-problem.ts";
import type { PictureType } from "./picture-type.ts";
import { readableFile } from "./readable-file.ts";
import { sharp } from "./sharp.ts";

export interface InspectionRequest {
  path: string;
  /** The type that the signature says. */
  type: PictureType;
  limits: PictureLimits;
  frame: Frame;
  /** A picture with more pixels is not decoded yet. */
  decodedPixels: number;
}

export interface Inspection {
  header: PictureHeader;
  isDecoded: boolean;
}

/**
 * Inspects an untrusted file, or throws a `PictureProblem`. Checks its header (type, frames, pixels), and only then decodes
 * it completely: workers can decode what is accepted.
 */
export async function inspectPicture(request: InspectionRequest): Promise<Inspection> {
  const { path, type, limits, frame, decodedPixels } = request;
  const toCorrupt = (error: unknown) => {
    throw isOutOfMemory(error)
      ? error
      : new PictureProblem("corrupt_picture", `a complete ${type} file`, reason(error));
  };
  const { format, ...size } = await readHeader(path).catch(toCorrupt);
  if (format !== type) throw new PictureProblem("mismatched_picture", type, format);
  const header = { type, ...size };
  checkHeader(header, limits, frame);
  const isDecoded = header.width * header.height <= decodedPixels;
  if (isDecoded) await decodeCompletely(path, limits).catch(toCorrupt);
  return { header, isDecoded };
}

async function readHeader(path: string): Promise<Omit<PictureHeader, "type"> & { format: string }> {
  // Reads only the header. Without sharp's own limit the problem can name the number of pixels.
  const { source } = await readableFile(path);
  const found = await sharp(source, { limitInputPixels: false }).metadata();
  const format = found.format === "heif" && found.compression === "av1" ? "avif" : found.format;
  // libvips knows the animations of WebP only.
  const frames = Math.max(found.pages ?? 1, countFrames(await readFile(path), format));
  return { format, frames, ...found.autoOrient };
}

/** Decodes every pixel at the lowest cost: JPEG and WebP are scaled down while they are decoded. */
async function decodeCompletely(path: string, { picturePixels }: PictureLimits): Promise<void> {
  const { source, failOn } = await readableFile(path);
  await sharp(source, { limitInputPixels: picturePixels, failOn, pages: 1, sequentialRead: true })
    .resize({ width: 64, height: 64, fit: "inside" })
    .raw()
    .toBuffer();
}

/** The decoder's message without the path of the file, which clients must not see. */
function reason(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
  const message = text.replace(/^Input file:?\s*/i, "").replace(/\/\S+/g, "the file");
  return `a file with the decoder error: ${message}`;
}
