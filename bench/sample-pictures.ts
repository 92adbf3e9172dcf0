import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import sharp from "sharp";
import type { Raster } from "../src/pictures/raster.ts";
import { ROOT } from "../src/root.ts";

/** The pictures of bench/RESULTS.md: samples of scikit-image and two paintings. Without them examples/ is used. */
const FOLDER = resolve(ROOT, "../shared/samples");
const PICTURES = {
  content: [
    ...["chelsea.png", "coffee.png", "rocket.jpg"].map((name) => join(FOLDER, name)),
    join(ROOT, "examples/cat.jpg"),
  ],
  style: [
    ...["starry_night.jpg", "shipwreck.jpg", "brick.png"].map((name) => join(FOLDER, name)),
    ...["sandstone.jpg", "waves.jpg"].map((name) => join(ROOT, "examples", name)),
  ],
};

type Kind = keyof typeof PICTURES;

/** The files that exist. */
export function samplePaths(kind: Kind): string[] {
  return PICTURES[kind].filter((path) => existsSync(path));
}

export function samplePath(kind: Kind): string {
  const [path] = samplePaths(kind);
  if (path === undefined) throw new Error(`No ${kind} picture found: ${PICTURES[kind].join(", ")}`);
  return path;
}

/** RGB values in [0, 1]; a square if there is no height. */
export async function samplePicture(kind: Kind, width: number, height = width): Promise<Float32Array> {
  const picture = sharp(samplePath(kind))
    .resize(width, height, { fit: "cover" })
    .removeAlpha()
    .toColourspace("srgb");
  return Float32Array.from(await picture.raw().toBuffer(), (value) => value / 255);
}

/** The same with 8 bits per channel. */
export async function sampleRaster(kind: Kind, size: number): Promise<Raster> {
  const values = await samplePicture(kind, size);
  return { width: size, height: size, data: Uint8Array.from(values, (value) => Math.round(255 * value)) };
}

/** A JPEG of noise with a 4:3 aspect ratio. It has about as many bytes per pixel as a camera's photo. */
export async function noiseJpeg(width: number): Promise<Buffer> {
  const noise = { type: "gaussian", mean: 128, sigma: 14 } as const;
  const create = {
    width,
    height: Math.round(0.75 * width),
    channels: 3,
    background: "#000000",
    noise,
  } as const;
  return await sharp({ create }).jpeg({ quality: 85 }).toBuffer();
}

/** A multipart/form-data body with a content and a style JPEG of at least `pictureBytes` each. */
export async function submissionForm(pictureBytes: number): Promise<{ body: Buffer; contentType: string }> {
  let picture: Buffer;
  let width = 400;
  do {
    picture = await noiseJpeg(width);
    width += 40;
  } while (picture.length < pictureBytes);
  const form = new FormData();
  for (const name of ["content", "style"]) {
    form.append(name, new Blob([new Uint8Array(picture)]), `${name}.jpg`);
  }
  const encoded = new Response(form);
  return {
    body: Buffer.from(await encoded.arrayBuffer()),
    contentType: encoded.headers.get("content-type") ?? "",
  };
}
