import type { Sharp } from "sharp";
import { PICTURE_TYPES, type PictureType } from "../../src/pictures/picture-type.ts";
import { draw } from "../support/pictures.ts";

const edge = { width: 96, height: 72 };
const colour = () => draw(edge);
const clear = () => draw({ ...edge, channels: 4 });
const grey = () => draw({ ...edge, channels: 1 }).toColourspace("b-w");
/** With an EXIF block, a profile and a place on Earth, so that what reads metadata is met too. */
const described = (picture: Sharp) =>
  picture
    .withIccProfile("p3")
    .withExif({ IFD0: { Artist: "somebody" }, IFD3: { GPSLatitude: "48/1 51/1 0/1" } })
    .withMetadata({ orientation: 6 });

const MAKE: Record<PictureType, (() => Sharp)[]> = {
  jpeg: [
    () => colour().jpeg(),
    () => colour().jpeg({ progressive: true, chromaSubsampling: "4:4:4" }),
    () => colour().toColourspace("cmyk").jpeg(),
    () => grey().jpeg({ optimiseCoding: true }),
    () => described(colour()).jpeg(),
  ],
  png: [
    () => colour().png(),
    () => clear().png({ progressive: true }),
    () => colour().png({ palette: true, colours: 16 }),
    () => colour().toColourspace("rgb16").png(),
    () => described(grey()).png(),
  ],
  webp: [
    () => colour().webp(),
    () => clear().webp({ lossless: true }),
    () => clear().webp({ alphaQuality: 30, nearLossless: true }),
    () => described(colour()).webp(),
  ],
  avif: [
    () => colour().avif({ effort: 0 }),
    () => clear().avif({ effort: 0, lossless: true }),
    () => described(colour()).avif({ effort: 0 }),
  ],
};

/** Whole files of each type, to be broken. */
export async function makeSeeds(): Promise<Record<PictureType, Buffer[]>> {
  const all = PICTURE_TYPES.map(
    async (type) => [type, await Promise.all(MAKE[type].map((make) => make().toBuffer()))] as const,
  );
  return Object.fromEntries(await Promise.all(all)) as Record<PictureType, Buffer[]>;
}
