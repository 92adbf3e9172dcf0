import { describe, expect, it } from "@jest/globals";
import sharp from "sharp";
import { decodePicture } from "../../src/pictures/decode.ts";
import { convertPicture, encodePicture } from "../../src/pictures/encode.ts";
import { detectPictureType, PICTURE_TYPES } from "../../src/pictures/picture-type.ts";
import type { Raster } from "../../src/pictures/raster.ts";
import { draw } from "../support/pictures.ts";

const limits = { picturePixels: 10_000_000, pictureSeconds: 20 };
const raster = async (): Promise<Raster> => ({
  width: 67,
  height: 41,
  data: await draw({ width: 67, height: 41 }).raw().toBuffer(),
});
const decode = (file: Uint8Array) => decodePicture(file, (size) => size, limits);

describe("encodePicture", () => {
  it("is lossless for png", async () => {
    const painted = await raster();
    const read = await decode(await encodePicture(painted, { format: "png", quality: 1 }));
    expect(Buffer.from(read.data).equals(Buffer.from(painted.data))).toBe(true);
  });

  it.each(PICTURE_TYPES)("encodes %s files with the size of the raster", async (format) => {
    const file = await encodePicture(await raster(), { format, quality: 90 });
    expect(detectPictureType(file)).toBe(format);
    expect(await decode(file)).toMatchObject({ width: 67, height: 41 });
  });

  it.each(["jpeg", "webp", "avif"] as const)("encodes a smaller %s at a lower quality", async (format) => {
    const painted = await raster();
    const high = await encodePicture(painted, { format, quality: 95 });
    const low = await encodePicture(painted, { format, quality: 20 });
    expect(low.length).toBeLessThan(high.length * 0.7);
  });

  it.each(PICTURE_TYPES)("writes the description into a %s, and conversions keep it", async (format) => {
    const file = await encodePicture(await raster(), { format, quality: 80 }, '{"steps":150}');
    const converted = await convertPicture(file, { format: "webp", quality: 80 });
    for (const bytes of [file, converted]) {
      const { exif } = await sharp(bytes).metadata();
      expect(exif?.toString("latin1")).toContain('{"steps":150}');
    }
  });
});

describe("encodePicture with 16 bits, Display P3 and transparency", () => {
  it("keeps all levels of 16 bits in a png", async () => {
    const data = new Uint16Array(64 * 64 * 3).map((_, index) => 20_000 + index);
    const raster16 = { width: 64, height: 64, data };
    const file = await encodePicture(raster16, { format: "png", quality: 90, bit_depth: 16 });
    expect((await sharp(file).metadata()).depth).toBe("ushort");
    const read = await sharp(file).toColourspace("rgb16").raw({ depth: "ushort" }).toBuffer();
    expect(read.equals(Buffer.from(data.buffer))).toBe(true);
  });

  it.each(PICTURE_TYPES)("writes P3 values unchanged to a %s, with the profile", async (format) => {
    const data = new Uint8Array(64 * 64 * 3).map((_, index) => [255, 0, 100][index % 3] ?? 0);
    const file = await encodePicture(
      { width: 64, height: 64, data },
      { format, quality: 95, color_space: "p3" },
    );
    for (const bytes of [file, await convertPicture(file, { format: "webp", quality: 95 })]) {
      expect((await sharp(bytes).metadata()).icc?.toString("latin1")).toMatch(/s.P.3/);
      const numbers = await sharp(bytes, { ignoreIcc: true }).raw({ depth: "uchar" }).toBuffer();
      for (const [index, expected] of [255, 0, 100].entries()) {
        expect(Math.abs((numbers[index] ?? 0) - expected)).toBeLessThan(4);
      }
    }
  });

  it.each(["png", "webp", "avif"] as const)("keeps transparency in a %s", async (format) => {
    const alpha = new Uint8Array(67 * 41).map((_, pixel) => (pixel % 67 < 30 ? 0 : 255));
    const painted = { ...(await raster()), alpha };
    for (const more of format === "png" ? [{}, { bit_depth: 16 as const }] : [{}]) {
      const read = await decode(await encodePicture(painted, { format, quality: 95, ...more }));
      expect(read.alpha?.[5]).toBeLessThan(8);
      expect(read.alpha?.[50]).toBeGreaterThan(247);
    }
  });

  it("replaces transparency with white in a jpeg", async () => {
    const painted = { ...(await raster()), alpha: new Uint8Array(67 * 41) };
    const read = await decode(await encodePicture(painted, { format: "jpeg", quality: 95 }));
    expect(Math.min(...read.data)).toBeGreaterThan(250);
  });
});

describe("convertPicture", () => {
  it.each(PICTURE_TYPES)("converts a png to %s", async (format) => {
    const file = await encodePicture(await raster(), { format: "png", quality: 100 });
    const converted = await convertPicture(file, { format, quality: 90 });
    expect(detectPictureType(converted)).toBe(format);
    expect(await decode(converted)).toMatchObject({ width: 67, height: 41 });
  });
});
