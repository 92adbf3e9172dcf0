import { describe, expect, it } from "@jest/globals";
import sharp from "sharp";
import { decodePicture } from "../../src/images/decode.ts";
import { convertPicture, encodePicture } from "../../src/images/encode.ts";
import { detectPictureType, PICTURE_TYPES } from "../../src/images/picture-type.ts";
import type { Raster } from "../../src/images/raster.ts";
import { draw } from "../support/pictures.ts";

const limits = { picturePixels: 10_000_000, pictureSeconds: 20 };
const raster = async (): Promise<Raster> => ({
  width: 67,
  height: 41,
  data: await draw({ width: 67, height: 41 }).raw().toBuffer(),
});
const back = (file: Uint8Array) => decodePicture(file, (size) => size, limits);

describe("Encoding", () => {
  it("loses nothing in a png", async () => {
    const painted = await raster();
    const read = await back(await encodePicture(painted, { format: "png", quality: 1 }));
    expect(Buffer.from(read.data).equals(Buffer.from(painted.data))).toBe(true);
  });

  it.each(PICTURE_TYPES)("writes %s files of the raster's size", async (format) => {
    const file = await encodePicture(await raster(), { format, quality: 90 });
    expect(detectPictureType(file)).toBe(format);
    expect(await back(file)).toMatchObject({ width: 67, height: 41 });
  });

  it.each(["jpeg", "webp", "avif"] as const)("makes a smaller %s of a lower quality", async (format) => {
    const painted = await raster();
    const high = await encodePicture(painted, { format, quality: 95 });
    const low = await encodePicture(painted, { format, quality: 20 });
    expect(low.length).toBeLessThan(high.length * 0.7);
  });

  it.each(PICTURE_TYPES)("says in a %s how it was made, also after a conversion", async (format) => {
    const file = await encodePicture(await raster(), { format, quality: 80 }, '{"steps":150}');
    const converted = await convertPicture(file, { format: "webp", quality: 80 });
    for (const bytes of [file, converted]) {
      const { exif } = await sharp(bytes).metadata();
      expect(exif?.toString("latin1")).toContain('{"steps":150}');
    }
  });
});

describe("Conversion", () => {
  it.each(PICTURE_TYPES)("gives a png as %s", async (format) => {
    const file = await encodePicture(await raster(), { format: "png", quality: 100 });
    const converted = await convertPicture(file, { format, quality: 90 });
    expect(detectPictureType(converted)).toBe(format);
    expect(await back(converted)).toMatchObject({ width: 67, height: 41 });
  });
});
