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

/** A picture that was accepted; the size is that of the upright picture. */
export interface ValidPicture extends Size {
  type: PictureType;
  mediaType: string;
  bytes: number;
}

/**
 * Validates an untrusted file, or throws a `ProblemError` for `field`. Checks its size, then its signature, then its header
 * (type, frames, pixels), and only then decodes it completely, within a time limit: workers can decode what is accepted.
 */
export async function validatePicture(
  path: string,
  field: string,
  limits: PictureLimits,
): Promise<ValidPicture> {
  const problem = (code: ProblemError["code"], expected: string, received: string) =>
    ProblemError.forField(code, field, expected, received);

  const { size: bytes } = await stat(path);
  if (bytes === 0) throw problem("empty_picture", "a picture file", "an empty file");
  if (bytes > limits.uploadBytes) {
    throw problem("picture_too_large", `at most ${limits.uploadBytes} bytes`, `${bytes} bytes`);
  }

  const head = await readHead(path);
  const type = detectPictureType(head);
  if (!type) {
    const received = `a file that starts with ${Buffer.from(head.subarray(0, 8)).toString("hex")}`;
    throw problem("unsupported_picture", `a file of type ${PICTURE_TYPES.join(", ")}`, received);
  }

  const header = await readHeader(path).catch((error) => {
    throw problem("corrupt_picture", `a complete ${type} file`, reason(error));
  });
  if (header.type !== type) throw problem("mismatched_picture", type, header.type);
  if (header.frames > 1) throw problem("animated_picture", "1 frame", `${header.frames} frames`);
  const { width, height } = header;
  if (width * height > limits.picturePixels) {
    const received = `${width} × ${height} = ${width * height} pixels`;
    throw problem("too_many_pixels", `at most ${limits.picturePixels} pixels`, received);
  }
  if (Math.min(width, height) < SHORTEST_EDGE) {
    throw problem(
      "picture_too_small",
      `at least ${SHORTEST_EDGE} px on each edge`,
      `${width} × ${height} px`,
    );
  }

  await decodeCompletely(path, limits).catch((error) => {
    if (isTimeout(error)) {
      const expected = `a picture that can be decoded within ${limits.pictureSeconds} s`;
      throw problem("picture_too_slow", expected, "one that takes longer");
    }
    throw problem("corrupt_picture", `a complete ${type} file`, reason(error));
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
  // Reads only the header. Without sharp's own limit the problem can name the number of pixels.
  const found = await sharp(path, { limitInputPixels: false }).metadata();
  const type = found.format === "heif" && found.compression === "av1" ? "avif" : found.format;
  return { type, frames: found.pages ?? 1, ...found.autoOrient };
}

/** Decodes every pixel at the lowest cost: JPEG and WebP are scaled down while they are decoded. */
async function decodeCompletely(path: string, limits: PictureLimits): Promise<void> {
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

/** The decoder's message without the path of the file, which clients must not see. */
function reason(error: unknown): string {
  const text = messageOf(error).split("\n")[0] ?? "";
  const message = text.replace(/^Input file:?\s*/i, "").replace(/\/\S+/g, "the file");
  return `a file with the decoder error: ${message}`;
}
