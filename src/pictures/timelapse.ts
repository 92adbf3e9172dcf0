import type { Raster } from "./raster.ts";
import { sharp } from "./sharp.ts";

/** Longest edge of a timelapse: it shows how a painting came about, not its strokes. */
const TIMELAPSE_EDGE = 512;
const QUALITY = 80;
/** Time that the run takes, that a frame is shown at least and at most, and that the end stays, in ms. */
const WHOLE_MS = 6_000;
const FRAME_MS = { least: 40, most: 300 };
const END_MS = 2_000;

/** A picture of a run as it is kept for the timelapse: small, as WebP. */
export async function encodeFrame({ data, width, height }: Raster): Promise<Uint8Array> {
  return await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(TIMELAPSE_EDGE, TIMELAPSE_EDGE, { fit: "inside", withoutEnlargement: true })
    .webp({ quality: QUALITY })
    .toBuffer();
}

/**
 * Pictures one after the other as an animated WebP that plays once and again. All get the size of the last, which
 * is shown longest; those of coarser scales are enlarged. At least one.
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
  const each = Math.min(FRAME_MS.most, Math.max(FRAME_MS.least, Math.round(WHOLE_MS / frames.length)));
  const delay = frames.map((_, index) => (index === frames.length - 1 ? END_MS : each));
  const raw = { width, height: height * frames.length, channels: 3, pageHeight: height } as const;
  return await sharp(Buffer.concat(frames), { raw }).webp({ quality: QUALITY, delay, loop: 0 }).toBuffer();
}
