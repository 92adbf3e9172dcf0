import type { Raster } from "./raster.ts";
import { sharp } from "./sharp.ts";

/** The longest edge of a timelapse: it shows the progress, not the details. */
const TIMELAPSE_EDGE = 512;
const QUALITY = 80;
/** The duration of the whole animation without its last frame, of each frame, and of the last frame. */
const WHOLE_MS = 6_000;
const FRAME_MS = { min: 40, max: 300 };
const END_MS = 2_000;

/** Encodes a frame of the timelapse as a small WebP. */
export async function encodeFrame({ data, width, height }: Raster): Promise<Uint8Array> {
  return await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(TIMELAPSE_EDGE, TIMELAPSE_EDGE, { fit: "inside", withoutEnlargement: true })
    .webp({ quality: QUALITY })
    .toBuffer();
}

/**
 * Joins at least one picture to an animated WebP that loops. All frames have the size of the last one, which is shown
 * longest; frames of coarser scales are enlarged.
 */
export async function joinFrames(pictures: readonly Uint8Array[]): Promise<Uint8Array> {
  const last = await sharp(pictures.at(-1))
    .resize(TIMELAPSE_EDGE, TIMELAPSE_EDGE, { fit: "inside", withoutEnlargement: true })
    .toBuffer({ resolveWithObject: true });
  const { width, height } = last.info;
  const frames: Buffer[] = [];
  for (const picture of pictures) {
    frames.push(
      await sharp(picture)
        .resize(width, height, { fit: "fill" })
        .removeAlpha()
        .toColourspace("srgb")
        .raw()
        .toBuffer(),
    );
  }
  const each = Math.min(FRAME_MS.max, Math.max(FRAME_MS.min, Math.round(WHOLE_MS / frames.length)));
  const delay = frames.map((_, index) => (index === frames.length - 1 ? END_MS : each));
  const raw = { width, height: height * frames.length, channels: 3, pageHeight: height } as const;
  return await sharp(Buffer.concat(frames), { raw }).webp({ quality: QUALITY, delay, loop: 0 }).toBuffer();
}
