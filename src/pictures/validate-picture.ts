import { open, stat } from "node:fs/promises";
import type { Frame, PictureHeader } from "./check-header.ts";
import type { Inspection } from "./inspect-picture.ts";
import { nameFileType } from "./name-file-type.ts";
import { PictureProblem } from "./picture-problem.ts";
import { detectPictureType, MEDIA_TYPES, PICTURE_TYPES, SIGNATURE_BYTES } from "./picture-type.ts";
import type { PicturePool } from "./process/picture-pool.ts";
import { PictureTaskError } from "./process/picture-process.ts";

/** Pictures with at most so many pixels have a process that no larger picture keeps busy. */
export const SMALL_PIXELS = 4_000_000;
const MIB = 1024 * 1024;

export interface ValidationSettings {
  uploadBytes: number;
  picturePixels: number;
  pictureSeconds: number;
}

/** A picture that was accepted. */
export interface ValidPicture extends PictureHeader {
  mediaType: string;
  bytes: number;
}

/**
 * Validates an untrusted file, or throws a `PictureProblem`. Checks its size and its signature; its header and its pixels are
 * read in a process of the pool.
 */
export async function validatePicture(
  pool: PicturePool,
  path: string,
  owner: string,
  limits: ValidationSettings,
  frame: Frame,
): Promise<ValidPicture> {
  const { size: bytes } = await stat(path);
  if (bytes === 0) throw new PictureProblem("empty_picture", "a picture file", "an empty file");
  if (bytes > limits.uploadBytes) {
    throw new PictureProblem("picture_too_large", `at most ${limits.uploadBytes} bytes`, `${bytes} bytes`);
  }
  const head = await readHead(path);
  const type = detectPictureType(head);
  if (!type) {
    const expected = `a file of type ${PICTURE_TYPES.join(", ")}`;
    throw new PictureProblem("unsupported_picture", expected, nameFileType(head));
  }

  const inspect = async (pixels: number, decodedPixels: number): Promise<Inspection> => {
    const input = { path, type, limits: { picturePixels: limits.picturePixels }, frame, decodedPixels };
    const context = { owner, pixels, seconds: limits.pictureSeconds };
    return await pool.run("inspect", input, context).catch((error: unknown) => {
      throw toProblem(error, pixels, pool.memoryBytes, limits);
    });
  };
  const { header, isDecoded } = await inspect(0, SMALL_PIXELS);
  if (!isDecoded) await inspect(header.width * header.height, limits.picturePixels);
  return { ...header, mediaType: MEDIA_TYPES[type], bytes };
}

function toProblem(
  error: unknown,
  pixels: number,
  memoryBytes: number,
  { pictureSeconds }: ValidationSettings,
): unknown {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    const expected = `a picture that can be decoded within ${pictureSeconds} s`;
    return new PictureProblem("picture_too_slow", expected, "one that takes longer");
  }
  if (!(error instanceof PictureTaskError)) return error;
  if (error.reason === "crashed") {
    return new PictureProblem(
      "corrupt_picture",
      "a picture that can be decoded",
      "one that ends the decoder",
    );
  }
  const expected = `a picture that can be decoded in ${Math.round(memoryBytes / MIB)} MiB of memory`;
  const received = pixels > 0 ? `one of ${pixels} pixels that needs more` : "one that needs more";
  return new PictureProblem("too_many_pixels", expected, received);
}

async function readHead(path: string): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SIGNATURE_BYTES), 0, SIGNATURE_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
