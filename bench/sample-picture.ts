import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import sharp from "sharp";
import type { Raster } from "../src/pictures/raster.ts";
import { ROOT } from "../src/root.ts";

/** Real pictures where they lie beside the project, else its own examples. */
const CANDIDATES = {
  content: [resolve(ROOT, "../shared/samples/chelsea.png"), join(ROOT, "examples/cat.jpg")],
  style: [resolve(ROOT, "../shared/samples/starry_night.jpg"), join(ROOT, "examples/sandstone.jpg")],
};

export function samplePath(kind: keyof typeof CANDIDATES): string {
  const found = CANDIDATES[kind].find((path) => existsSync(path));
  if (found === undefined) {
    throw new Error(`no sample picture: looked at ${CANDIDATES[kind].join(", ")}`);
  }
  return found;
}

/** A square of `size` px, RGB in [0, 1]. */
export async function samplePicture(kind: keyof typeof CANDIDATES, size: number): Promise<Float32Array> {
  const picture = sharp(samplePath(kind))
    .resize(size, size, { fit: "cover" })
    .removeAlpha()
    .toColourspace("srgb");
  return Float32Array.from(await picture.raw().toBuffer(), (value) => value / 255);
}

/** The same, 8 bits a channel. */
export async function sampleRaster(kind: keyof typeof CANDIDATES, size: number): Promise<Raster> {
  const values = await samplePicture(kind, size);
  return { width: size, height: size, data: Uint8Array.from(values, (value) => Math.round(255 * value)) };
}
