import { open, stat } from "node:fs/promises";
import { ProblemError } from "../contract/problems.ts";
import { SHORTEST_EDGE, type Size } from "./picture-size.ts";
import {
  detectPictureType,
  MEDIA_TYPES,
  PICTURE_TYPES,
  type PictureType,
  SIGNATURE_BYTES,
} from "./picture-type.ts";
import { sharp } from "./sharp.ts";

export interface PictureLimits {
  uploadBytes: number;
  picturePixels: number;
  pictureSeconds: number;
}

/** What is known of a picture that was let in; the size is that of the upright picture. */
export interface ValidPicture extends Size {
  type: PictureType;
  mediaType: string;
  bytes: number;
}

/**
 * Lets a stranger's file in or throws a `ProblemError` that names `field`: its bytes are counted, its type is
 * told by its first bytes, its header is read, its pixels and frames are counted, and only then is it
 * decoded once, to the end and within a time, so that what a worker gets later can be decoded.
 */
export async function validatePicture(
  path: string,
  field: string,
  limits: PictureLimits,
): Promise<ValidPicture> {
  const refuse = (code: ProblemError["code"], expected: string, received: string) =>
    ProblemError.forField(code, field, expected, received);

  const { size: bytes } = await stat(path);
  if (bytes === 0) throw refuse("empty_picture", "a picture file", "an empty file");
  if (bytes > limits.uploadBytes) {
    throw refuse("picture_too_large", `at most ${limits.uploadBytes} bytes`, `${bytes} bytes`);
  }

  const head = await readHead(path);
  const type = detectPictureType(head);
  if (!type) {
    const received = `a file that starts with ${Buffer.from(head.subarray(0, 8)).toString("hex")}`;
    throw refuse("unsupported_picture", `a file of type ${PICTURE_TYPES.join(", ")}`, received);
  }

  const header = await readHeader(path).catch((error) => {
    throw refuse("corrupt_picture", `a whole ${type} file`, reason(error));
  });
  if (header.type !== type) throw refuse("mismatched_picture", type, header.type);
  if (header.frames > 1) throw refuse("animated_picture", "1 frame", `${header.frames} frames`);
  const { width, height } = header;
  if (width * height > limits.picturePixels) {
    const received = `${width} × ${height} = ${width * height} pixels`;
    throw refuse("too_many_pixels", `at most ${limits.picturePixels} pixels`, received);
  }
  if (Math.min(width, height) < SHORTEST_EDGE) {
    throw refuse("picture_too_small", `at least ${SHORTEST_EDGE} px on each edge`, `${width} × ${height} px`);
  }

  await tryDecoding(path, limits).catch((error) => {
    if (isTimeout(error)) {
      const expected = `a picture that is decoded within ${limits.pictureSeconds} s`;
      throw refuse("picture_too_slow", expected, "one that takes longer");
    }
    throw refuse("corrupt_picture", `a whole ${type} file`, reason(error));
  });
  return { type, mediaType: MEDIA_TYPES[type], bytes, width, height };
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

async function readHeader(path: string): Promise<Size & { type: string; frames: number }> {
  // Only the header is read here; the limit on pixels is applied to what it says, so that the answer can say it.
  const found = await sharp(path, { limitInputPixels: false }).metadata();
  const type = found.format === "heif" && found.compression === "av1" ? "avif" : found.format;
  return { type, frames: found.pages ?? 1, ...found.autoOrient };
}

/** Decodes every pixel, at the least cost: JPEG and WebP are shrunk while they are read. */
async function tryDecoding(path: string, limits: PictureLimits): Promise<void> {
  await sharp(path, {
    limitInputPixels: limits.picturePixels,
    failOn: "error",
    pages: 1,
    sequentialRead: true,
  })
    .timeout({ seconds: limits.pictureSeconds })
    .resize({ width: 64, height: 64, fit: "inside" })
    .raw()
    .toBuffer();
}

function messageOf(error: unknown): string {
  return typeof error === "object" && error !== null && "message" in error
    ? String(error.message)
    : String(error);
}

const isTimeout = (error: unknown) => /timeout/i.test(messageOf(error));

/** The decoder's words without the file's name, which is none of the client's business. */
function reason(error: unknown): string {
  const text = messageOf(error).split("\n")[0] ?? "";
  const words = text.replace(/^Input file:?\s*/i, "").replace(/\/\S+/g, "the file");
  return `one of which the decoder says: ${words}`;
}
