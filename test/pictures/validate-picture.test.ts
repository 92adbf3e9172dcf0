import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Sharp } from "sharp";
import { readConfig } from "../../src/config.ts";
import type { ProblemError } from "../../src/contract/problems.ts";
import type { Frame } from "../../src/pictures/check-header.ts";
import { decodePicture } from "../../src/pictures/decode.ts";
import type { PictureProblem } from "../../src/pictures/picture-problem.ts";
import { validatePicture } from "../../src/pictures/validate-picture.ts";
import { picturePool } from "../support/picture-pool.ts";
import { draw, jpeg, plain, png } from "../support/pictures.ts";
import { pngChunk } from "../support/png-chunk.ts";

const limits = { ...readConfig({}).limits, uploadBytes: 1_000_000, picturePixels: 1_000_000 };
const pool = picturePool();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nst-validate-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let count = 0;
async function check(bytes: Uint8Array, changed: Partial<typeof limits> = {}, frame: Frame = "only") {
  count += 1;
  const path = join(folder, String(count));
  await writeFile(path, bytes);
  return await validatePicture(pool, path, "tests", { ...limits, ...changed }, frame).catch(
    (error: PictureProblem) => {
      throw error.forField("content");
    },
  );
}
async function problemOf(bytes: Uint8Array, changed: Partial<typeof limits> = {}): Promise<ProblemError> {
  return await check(bytes, changed).then(
    () => {
      throw new Error("expected a problem");
    },
    (error: ProblemError) => error,
  );
}

/** A PNG whose header has a size for which its data is too short. */
function pngOf(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = deflateSync(Buffer.alloc(1000));
  return Buffer.concat([
    signature,
    pngChunk("IHDR", header),
    pngChunk("IDAT", data),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}
describe("validatePicture accepts", () => {
  const accepted: [string, string, () => Sharp][] = [
    ["a JPEG", "jpeg", () => draw().jpeg()],
    ["a progressive JPEG", "jpeg", () => draw().jpeg({ progressive: true })],
    ["a CMYK JPEG", "jpeg", () => draw().toColourspace("cmyk").jpeg()],
    ["a grey JPEG", "jpeg", () => draw({ channels: 1 }).toColourspace("b-w").jpeg()],
    ["a PNG", "png", () => draw().png()],
    ["a 16-bit PNG", "png", () => draw().toColourspace("rgb16").png()],
    ["a PNG with transparency", "png", () => draw({ channels: 4 }).png()],
    ["a PNG with a palette", "png", () => draw().png({ palette: true })],
    ["a WebP", "webp", () => draw().webp()],
    ["a lossless WebP", "webp", () => draw({ channels: 4 }).webp({ lossless: true })],
    ["an AVIF", "avif", () => draw().avif({ effort: 0 })],
  ];
  it.each(accepted)("%s", async (_, type, make) => {
    const bytes = await make().toBuffer();
    const found = await check(bytes);
    const size = { width: 64, height: 48, bytes: bytes.length };
    expect(found).toEqual({ type, mediaType: `image/${type}`, frames: 1, ...size });
  });

  it.each([1, 2, 3, 4])("a picture with EXIF orientation %i, which keeps its size", async (orientation) => {
    expect(await check(await draw().withMetadata({ orientation }).jpeg().toBuffer())).toMatchObject({
      width: 64,
    });
  });

  it.each([5, 6, 7, 8])(
    "a picture with EXIF orientation %i, which swaps width and height",
    async (orientation) => {
      const found = await check(await draw().withMetadata({ orientation }).jpeg().toBuffer());
      expect(found).toMatchObject({ width: 48, height: 64 });
    },
  );

  it("a picture at exactly the limits", async () => {
    const bytes = await jpeg({ width: 100, height: 50 });
    await expect(check(bytes, { uploadBytes: bytes.length, picturePixels: 5000 })).resolves.toBeDefined();
  });
});

describe("validatePicture rejects", () => {
  it("an empty file", async () => {
    expect(await problemOf(new Uint8Array())).toMatchObject({ code: "empty_picture" });
  });

  it("a file that is too large, and names both sizes", async () => {
    const bytes = await jpeg();
    const found = await problemOf(bytes, { uploadBytes: bytes.length - 1 });
    expect(found.code).toBe("picture_too_large");
    expect(found.errors).toEqual([
      { path: "content", expected: `at most ${bytes.length - 1} bytes`, received: `${bytes.length} bytes` },
    ]);
  });

  const others: [string, () => Promise<Buffer>][] = [
    ["text", async () => Buffer.from("this is no picture")],
    ["one byte", async () => Buffer.from([0xff])],
    ["an SVG", async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>')],
    ["a GIF", async () => await draw().gif().toBuffer()],
    ["a TIFF", async () => await draw().tiff().toBuffer()],
    ["a PDF", async () => Buffer.from("%PDF-1.7\n%âãÏÓ\n1 0 obj <<>> endobj")],
    ["a ZIP", async () => Buffer.from("504b0304140000000800", "hex")],
    ["a HEIC", async () => Buffer.from("0000001866747970686569630000000068656963", "hex")],
  ];
  it.each(others)("%s", async (_, make) => {
    expect(await problemOf(await make())).toMatchObject({ code: "unsupported_picture" });
  });

  it("a decompression bomb by its header, without decoding it", async () => {
    const found = await problemOf(pngOf(60_000, 60_000));
    expect(found.code).toBe("too_many_pixels");
    expect(found.message).toContain("60000 × 60000 = 3600000000 pixels");
  });

  it("one pixel more than allowed", async () => {
    const found = await problemOf(await jpeg({ width: 101, height: 50 }), { picturePixels: 5049 });
    expect(found.code).toBe("too_many_pixels");
  });

  it("a picture with an edge shorter than 16 px", async () => {
    expect(await problemOf(await png({ width: 15, height: 200 }))).toMatchObject({
      code: "picture_too_small",
    });
  });

  it("an animated WebP", async () => {
    const frames = await draw({ width: 32, height: 96 }).webp({ lossless: true }).toBuffer();
    const { default: sharp } = await import("sharp");
    const bytes = await sharp(frames, { animated: true })
      .raw()
      .toBuffer()
      .then((data) =>
        sharp(data, { raw: { width: 32, height: 96, channels: 3, pageHeight: 32 } })
          .webp({ lossless: true })
          .toBuffer(),
      );
    const found = await problemOf(bytes);
    expect(found).toMatchObject({ code: "animated_picture" });
    expect(found.message).toContain("3 frames");
  });

  const types: [string, () => Promise<Buffer>][] = [
    ["JPEG", () => jpeg({ width: 200, height: 200 })],
    ["PNG", () => png({ width: 200, height: 200 })],
    ["WebP", () => draw({ width: 200, height: 200 }).webp().toBuffer()],
    ["AVIF", () => draw({ width: 200, height: 200 }).avif({ effort: 0 }).toBuffer()],
  ];
  describe.each(types)("a %s", (_, make) => {
    it.each([0.02, 0.2, 0.5, 0.9])("truncated to %d of its bytes", async (share) => {
      const bytes = await make();
      const found = await problemOf(bytes.subarray(0, Math.max(16, Math.floor(bytes.length * share))));
      expect(found.code).toBe("corrupt_picture");
      expect(found.message).not.toContain(folder);
    });

    it("with only its first bytes", async () => {
      const bytes = await make();
      expect(await problemOf(Buffer.concat([bytes.subarray(0, 32), Buffer.alloc(500)]))).toMatchObject({
        code: "corrupt_picture",
      });
    });
  });

  it("a PNG after the signature of a JPEG", async () => {
    const bytes = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), await png()]);
    expect(await problemOf(bytes)).toMatchObject({ code: "corrupt_picture" });
  });

  it("with the field, and what was expected and received", async () => {
    const found = await problemOf(Buffer.from("GIF89a.."));
    expect(found.errors).toEqual([
      {
        path: "content",
        expected: "a file of type jpeg, png, webp, avif",
        received: "a GIF file",
      },
    ]);
  });
});

describe("validatePicture", () => {
  it("detects the type from the bytes", async () => {
    const found = await check(await plain(32, 32, "#336699").webp().toBuffer());
    expect(found.type).toBe("webp");
  });

  it("keeps other decoders blocked", async () => {
    const { sharp } = await import("../../src/pictures/sharp.ts");
    await expect(sharp(Buffer.from("<svg width='9' height='9'/>")).metadata()).rejects.toThrow();
    await expect(sharp(await draw().gif().toBuffer()).metadata()).rejects.toThrow();
  });
});

describe("A picture with two frames", () => {
  /** A red and a blue frame of 32 × 24 px, as libavif writes them. */
  const sequence = Buffer.from(
    "AAAALGZ0eXBhdmlzAAAAAGF2aWZhdmlzbXNmMWlzbzhtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAPlAAAAMAAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEAAGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAIAAAABgAAAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAACxm1vb3YAAAB4bXZoZAEAAAAAAAAA5zSFRAAAAADnNIVEAAAD6P//////////AAEAAAEAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAJGdHJhawAAAGh0a2hkAQAAAQAAAADnNIVEAAAAAOc0hUQAAAABAAAAAP//////////AAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAQAAAAAAgAAAAGAAAAAAALGVkdHMAAAAkZWxzdAEAAAEAAAABAAAAAAAAAAIAAAAAAAAAAAABAAAAAAGqbWRpYQAAACxtZGhkAQAAAAAAAADnNIVEAAAAAOc0hUQAAAPoAAAAAAAAAAJVxAAAAAAAIWhkbHIAAAAAAAAAAHBpY3QAAAAAAAAAAAAAAAAAAAABVW1pbmYAAAAUdm1oZAAAAAEAAAAAAAAAAAAAACRkaW5mAAAAHGRyZWYAAAAAAAAAAQAAAAx1cmwgAAAAAQAAARVzdGJsAAAAlXN0c2QAAAAAAAAAAQAAAIVhdjAxAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAACAAGABIAAAASAAAAAAAAAABCkFPTSBDb2RpbmcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAGP//AAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABBjY3N0AAAAAHwAAAAAAAAYc3R0cwAAAAAAAAABAAAAAgAAAAEAAAAcc3RzYwAAAAAAAAABAAAAAQAAAAIAAAABAAAAHHN0c3oAAAAAAAAAAAAAAAIAAAAwAAAAJQAAABRzdGNvAAAAAAAAAAEAAAPlAAAAFHN0c3MAAAAAAAAAAQAAAAEAAABdbWRhdBIACg0AAAACJ+5tfIgIaDQgMh0QALgAQQQQJBCIvKyXN6u6knSuB61H3q9BOPkGaBIAMiEwA4CA/fhGuABJJJIkEAoAs564ddAEMCaVUJCzP6nCFoA=",
    "base64",
  );
  const animations: [string, () => Promise<Buffer>][] = [
    ["an AVIF", async () => sequence],
    [
      "a PNG",
      async () => {
        const still = await plain(32, 24, "#c04020").png().toBuffer();
        const control = Buffer.from("0000000861635441000000020000000000000000", "hex");
        control.write("acTL", 4, "latin1");
        control.writeUInt32BE(crc32(control.subarray(4, 16)), 16);
        return Buffer.concat([still.subarray(0, 33), control, still.subarray(33)]);
      },
    ],
    [
      "a WebP",
      async () => {
        const data = await plain(32, 48, "#c04020").raw().toBuffer();
        const { default: sharp } = await import("sharp");
        const raw = { width: 32, height: 48, channels: 3, pageHeight: 24 } as const;
        // Frames that are alike would be joined.
        data.fill(200, data.length / 2);
        return await sharp(data, { raw }).webp({ quality: 100 }).toBuffer();
      },
    ],
  ];

  it.each(animations)(
    "is rejected by a message that names the option, and its first is painted with it: %s",
    async (_, make) => {
      const bytes = await make();
      const found = await problemOf(bytes);
      expect(found.code).toBe("animated_picture");
      expect(found.message).toContain('the option frame: "first"');
      expect(found.message).toContain("received 2 frames");
      expect(await check(bytes, {}, "first")).toMatchObject({ width: 32, height: 24, frames: 2 });
      const raster = await decodePicture(bytes, (size) => size, {
        picturePixels: 1_000_000,
        pictureSeconds: 20,
      });
      const [red = 0, , blue = 0] = raster.data;
      expect(red).toBeGreaterThan(blue + 50);
    },
  );
});

describe("A JPEG without its end marker", () => {
  it("is accepted and decoded like the whole file, also with a thumbnail that has one", async () => {
    const whole = await jpeg({ width: 100, height: 80 });
    const thumbnail = Buffer.from([0xff, 0xe5, 0, 6, 0xff, 0xd9, 0, 0]);
    for (const start of [Buffer.alloc(0), thumbnail]) {
      const cut = Buffer.concat([whole.subarray(0, 2), start, whole.subarray(2, -2)]);
      expect(await check(cut)).toMatchObject({ width: 100, height: 80 });
      const decode = (bytes: Buffer) =>
        decodePicture(bytes, (size) => size, { picturePixels: 1_000_000, pictureSeconds: 20 });
      expect((await decode(cut)).data).toEqual((await decode(whole)).data);
    }
  });
});
