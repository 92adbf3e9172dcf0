import { describe, expect, it } from "@jest/globals";
import sharp, { type Sharp } from "sharp";
import { decodeMask, decodePicture } from "../../src/pictures/decode.ts";
import { contentSize, styleSize } from "../../src/pictures/picture-size.ts";
import type { Raster } from "../../src/pictures/raster.ts";
import { draw, jpeg, plain } from "../support/pictures.ts";

const limits = { picturePixels: 10_000_000, pictureSeconds: 20 };
const decode = async (picture: Sharp, edge = 32): Promise<Raster> =>
  await decodePicture(await picture.toBuffer(), (size) => contentSize(size, edge), limits);

function pixel(raster: Raster, x: number, y: number): number[] {
  const at = (y * raster.width + x) * 3;
  return [...raster.data.subarray(at, at + 3)];
}
/** The tolerance is for chroma subsampling, quantisation and rounding in profiles. */
function expectColour(raster: Raster, colour: number[], tolerance = 4): void {
  expect(raster.data.length).toBe(raster.width * raster.height * 3);
  for (let at = 0; at < raster.data.length; at += 1) {
    expect(Math.abs((raster.data[at] ?? 0) - (colour[at % 3] ?? 0))).toBeLessThanOrEqual(tolerance);
  }
}

describe("decodePicture", () => {
  it("averages all pixels when it scales down", async () => {
    // A checkerboard becomes grey; with every second pixel it would be black or white.
    const board = new Uint8Array(64 * 64).map((_, index) => (((index % 64) + (index >> 6)) % 2) * 255);
    const raster = await decode(sharp(board, { raw: { width: 64, height: 64, channels: 1 } }).png());
    expectColour(raster, [128, 128, 128], 8);
  });

  it.each([
    [64, 48, 32, 32, 24],
    [48, 64, 32, 24, 32],
    [64, 48, 333, 333, 250],
    [100, 100, 57, 57, 57],
    [640, 33, 1024, 1024, 53],
  ])(
    "decodes a content of %i × %i at %i to %i × %i",
    async (width, height, edge, expectedWidth, expectedHeight) => {
      const raster = await decodePicture(
        await jpeg({ width, height }),
        (size) => contentSize(size, edge),
        limits,
      );
      expect(raster).toMatchObject({ width: expectedWidth, height: expectedHeight });
      expect(raster.data.length).toBe(expectedWidth * expectedHeight * 3);
    },
  );

  it.each([
    [400, 300, 200, 200, 150],
    [400, 300, 1000, 400, 300],
    [400, 40, 100, 320, 32],
    [200, 20, 100, 200, 20],
  ])(
    "decodes a style of %i × %i at %i to %i × %i",
    async (width, height, edge, expectedWidth, expectedHeight) => {
      const raster = await decodePicture(
        await jpeg({ width, height }),
        (size) => styleSize(size, edge),
        limits,
      );
      expect(raster).toMatchObject({ width: expectedWidth, height: expectedHeight });
    },
  );

  const colour = [0xfa, 0x80, 0x20];
  const plainColour = () => plain(40, 30, "#fa8020");
  const kinds: [string, () => Sharp][] = [
    ["a JPEG", () => plainColour().jpeg()],
    ["a PNG", () => plainColour().png()],
    ["a 16-bit PNG", () => plainColour().toColourspace("rgb16").png()],
    ["a WebP", () => plainColour().webp()],
    ["an AVIF", () => plainColour().avif({ effort: 0 })],
    ["a picture in Display P3", () => plainColour().withIccProfile("p3").png()],
    ["opaque RGBA", () => plainColour().ensureAlpha().png()],
  ];
  it.each(kinds)("keeps the colour of %s", async (_, make) => expectColour(await decode(make()), colour));

  it("converts CMYK to sRGB", async () => {
    // The gamut of CMYK is smaller than sRGB; a muted colour is inside both.
    expectColour(
      await decode(plain(40, 30, "#a08070").toColourspace("cmyk").jpeg({ quality: 100 })),
      [0xa0, 0x80, 0x70],
      8,
    );
  });

  it("converts greyscale to three equal channels", async () => {
    expectColour(await decode(plain(40, 30, "#777777").toColourspace("b-w").jpeg()), [0x77, 0x77, 0x77], 1);
    expectColour(await decode(plain(40, 30, "#777777").toColourspace("grey16").png()), [0x77, 0x77, 0x77], 1);
  });

  it("separates the alpha channel from the colours", async () => {
    const half = sharp({
      create: { width: 40, height: 30, channels: 4, background: { r: 255, g: 0, b: 0, alpha: 0.5 } },
    });
    const raster = await decode(half.png());
    expectColour(raster, [255, 0, 0], 1);
    expect(new Set(raster.alpha)).toEqual(new Set([128]));
    expect((await decode(plainColour().ensureAlpha().png())).alpha).toBeUndefined();
  });

  describe("to Display P3", () => {
    const inP3 = async (picture: Sharp) =>
      await decodePicture(await picture.toBuffer(), (size) => contentSize(size, 32), limits, "p3");
    /** A red outside sRGB: (255, 0, 0) in P3. */
    const wideRed = async () => {
      const srgbRed = await plain(40, 30, "#ff0000").withIccProfile("p3").png().toBuffer();
      return sharp(srgbRed).keepIccProfile().linear([1.2, 0, 0], [0, 0, 0]).png();
    };
    it("keeps colours outside sRGB", async () => expectColour(await inP3(await wideRed()), [255, 0, 0], 1));
    it("converts sRGB colours, with and without a profile", async () => {
      expectColour(await inP3(plain(40, 30, "#ff0000").png()), [234, 51, 34], 2);
      expectColour(await inP3(plain(40, 30, "#ff0000").withIccProfile("p3").png()), [234, 51, 34], 2);
    });
    it("converts a red outside sRGB to the sRGB red, if sRGB is requested", async () =>
      expectColour(await decode(await wideRed()), [255, 0, 0], 1));
  });

  it("decodes a mask to its luminance, with black for transparent pixels", async () => {
    const size = { width: 20, height: 15 };
    const read = async (picture: Sharp) => await decodeMask(await picture.toBuffer(), size, limits);
    const white = await read(plain(40, 30, "#ffffff").png());
    expect([white.data.length, new Set(white.data)]).toEqual([20 * 15, new Set([255])]);
    const clear = sharp({ create: { width: 40, height: 30, channels: 4, background: "#ffffff00" } });
    expect(new Set((await read(clear.png())).data)).toEqual(new Set([0]));
    expect(
      [...new Set((await read(plain(40, 30, "#808080").jpeg())).data)].every((v) => Math.abs(v - 128) < 3),
    ).toBe(true);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])("applies EXIF orientation %i", async (orientation) => {
    // Grey with a red corner that is at the top left after the orientation has been applied.
    const upright = plain(64, 32, "#808080").composite([
      { input: await plain(16, 16, "#ff0000").png().toBuffer(), left: 0, top: 0 },
    ]);
    const turned = sharp(await upright.png().toBuffer());
    const inverse: Record<number, (picture: Sharp) => Sharp> = {
      1: (picture) => picture,
      2: (picture) => picture.flop(),
      3: (picture) => picture.rotate(180),
      4: (picture) => picture.flip(),
      5: (picture) => picture.rotate(270).flop(), // sharp flops before it rotates
      6: (picture) => picture.rotate(270),
      7: (picture) => picture.rotate(90).flop(),
      8: (picture) => picture.rotate(90),
    };
    const stored = await (inverse[orientation] ?? ((picture) => picture))(turned).png().toBuffer();
    const raster = await decode(sharp(stored).withMetadata({ orientation }).jpeg({ quality: 100 }), 64);
    expect(raster).toMatchObject({ width: 64, height: 32 });
    const [red = 0, green = 255] = pixel(raster, 3, 3);
    expect(red).toBeGreaterThan(220);
    expect(green).toBeLessThan(40);
    for (const [x, y] of [
      [60, 3],
      [3, 28],
      [60, 28],
    ] as const) {
      expect(Math.abs((pixel(raster, x, y)[0] ?? 0) - 128)).toBeLessThan(8);
    }
  });

  it("rejects a truncated file", async () => {
    const bytes = await jpeg({ width: 300, height: 300 });
    const cut = bytes.subarray(0, bytes.length / 2);
    await expect(decodePicture(cut, (size) => contentSize(size, 64), limits)).rejects.toThrow();
  });

  it("rejects too many pixels", async () => {
    const few = { ...limits, picturePixels: 100 };
    await expect(decodePicture(await jpeg(), (size) => contentSize(size, 64), few)).rejects.toThrow(
      /pixel limit/,
    );
  });

  it("decodes a path like bytes", async () => {
    const { mkdtemp, rm } = await import("node:fs/promises");
    const folder = await mkdtemp("/tmp/nst-decode-");
    try {
      await draw().png().toFile(`${folder}/picture`);
      const raster = await decodePicture(`${folder}/picture`, (size) => contentSize(size, 64), limits);
      expect(raster.data).toEqual((await decode(draw().png(), 64)).data);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
