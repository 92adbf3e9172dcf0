import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import sharp, { type Sharp } from "sharp";
import { readConfig } from "../../src/config.ts";
import { decodePicture } from "../../src/pictures/decode.ts";
import { convertPicture, encodePicture } from "../../src/pictures/encode.ts";
import type { PictureProblem } from "../../src/pictures/picture-problem.ts";
import { contentSize } from "../../src/pictures/picture-size.ts";
import { PICTURE_TYPES } from "../../src/pictures/picture-type.ts";
import { validatePicture } from "../../src/pictures/validate-picture.ts";
import { picturePool } from "../support/picture-pool.ts";
import { draw, jpeg, png } from "../support/pictures.ts";
import { pngChunk } from "../support/png-chunk.ts";

const { limits } = readConfig({});
const pool = picturePool();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nst-untrusted-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The problem of a rejected picture, or the type and size of a decoded one. */
async function validateAndDecode(bytes: Buffer): Promise<string> {
  const path = join(folder, "picture");
  await writeFile(path, bytes);
  const found = await validatePicture(pool, path, "tests", limits, "only").catch(
    (error: PictureProblem) => error.code,
  );
  if (typeof found === "string") return found;
  const raster = await decodePicture(path, (size) => contentSize(size, 32), limits);
  return `${found.type} ${raster.width} × ${raster.height}`;
}

/** Signature and IHDR are the first 33 bytes of a PNG. */
async function pngWith(...chunks: Buffer[]): Promise<Buffer> {
  const whole = await png();
  return Buffer.concat([whole.subarray(0, 33), ...chunks, whole.subarray(33)]);
}
const named = (name: string, data: Buffer) => Buffer.concat([Buffer.from(name, "latin1"), data]);
/** 200 MB of zeros in 200 kB. */
const zeros = deflateSync(Buffer.alloc(200_000_000));
const bomb = () => zeros;

function jpegSegment(marker: number, data: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([head, data]);
}
async function jpegWith(...segments: Buffer[]): Promise<Buffer> {
  const whole = await jpeg();
  return Buffer.concat([whole.subarray(0, 2), ...segments, whole.subarray(2)]);
}
const ENTRY = "504b0506000000000000000000000000000000000000";

describe("Malicious and unusual pictures", () => {
  const cases: [string, string, () => Promise<Buffer>][] = [
    [
      "a JPEG that is also a ZIP",
      "jpeg 32 × 24",
      async () => Buffer.concat([await jpeg(), Buffer.from(ENTRY, "hex")]),
    ],
    [
      "a JPEG with a script in its comment",
      "jpeg 32 × 24",
      () => jpegWith(jpegSegment(0xfe, Buffer.from("<script>alert(1)</script>"))),
    ],
    [
      "a PNG with a script in its text",
      "png 32 × 24",
      () => pngWith(pngChunk("tEXt", named("Comment\0", Buffer.from("<script>alert(1)</script>")))),
    ],
    ["a PNG followed by a JPEG", "png 32 × 24", async () => Buffer.concat([await png(), await jpeg()])],
    [
      "an HTML page that contains a picture",
      "unsupported_picture",
      async () => Buffer.concat([Buffer.from("<html>"), await png()]),
    ],
    [
      "a PNG after the signature of a GIF",
      "unsupported_picture",
      async () => Buffer.concat([Buffer.from("GIF89a"), await png()]),
    ],
    [
      "a PNG after the signature of a WebP",
      "corrupt_picture",
      async () => Buffer.concat([Buffer.from("RIFF\0\0\0\0WEBPVP8 "), await png()]),
    ],
    [
      "a HEIC with the brand of AVIF",
      "corrupt_picture",
      async () => Buffer.from("0000001c667479706176696600000000617669666d6966316865696300", "hex"),
    ],
    ["a bomb in a PNG's text", "png 32 × 24", () => pngWith(pngChunk("zTXt", named("Comment\0\0", bomb())))],
    ["a bomb in a PNG's profile", "png 32 × 24", () => pngWith(pngChunk("iCCP", named("icc\0\0", bomb())))],
    [
      "a bomb in a PNG's XMP",
      "png 32 × 24",
      () => pngWith(pngChunk("iTXt", named("XML:com.adobe.xmp\0\x01\0\0\0", bomb()))),
    ],
    [
      "a PNG with 20,000 texts",
      "png 32 × 24",
      () =>
        pngWith(
          ...Array.from({ length: 20_000 }, (_, index) => pngChunk("tEXt", Buffer.from(`k${index}\0v`))),
        ),
    ],
    [
      "a JPEG with 4 MB of comments",
      "jpeg 32 × 24",
      () => jpegWith(...Array.from({ length: 64 }, () => jpegSegment(0xfe, Buffer.alloc(65_000, 0x61)))),
    ],
    [
      "a JPEG with 60 kB of EXIF",
      "jpeg 32 × 24",
      () =>
        draw()
          .withExif({ IFD0: { ImageDescription: "x".repeat(60_000) } })
          .jpeg()
          .toBuffer(),
    ],
    [
      "a JPEG with invalid EXIF data",
      "jpeg 32 × 24",
      () => jpegWith(jpegSegment(0xe1, Buffer.from("Exif\0\0MM\0*\xff\xff\xff\xff", "latin1"))),
    ],
    [
      "a PNG with an invalid profile",
      "png 32 × 24",
      () => pngWith(pngChunk("iCCP", named("icc\0\0", deflateSync(Buffer.from("not a profile"))))),
    ],
    [
      "an RGB picture with a CMYK profile",
      "png 32 × 24",
      async () => {
        const { icc = Buffer.alloc(0) } = await sharp(
          await draw().withIccProfile("cmyk").jpeg().toBuffer(),
        ).metadata();
        return await pngWith(pngChunk("iCCP", named("icc\0\0", deflateSync(icc))));
      },
    ],
    ["an APNG", "animated_picture", () => pngWith(pngChunk("acTL", Buffer.from([0, 0, 0, 2, 0, 0, 0, 0])))],
    ["a many-page TIFF", "unsupported_picture", () => draw().tiff().toBuffer()],
    [
      "a PNG with the width 0",
      "corrupt_picture",
      async () => {
        const whole = Buffer.from(await png());
        whole.writeUInt32BE(0, 16);
        whole.writeUInt32BE(crc32(whole.subarray(12, 29)), 29);
        return whole;
      },
    ],
  ];
  it.each(cases)("%s: %s", async (_, expected, make) => {
    expect(await validateAndDecode(await make())).toBe(expected);
  });
});

describe("The metadata of an upload", () => {
  const MARK = "MARK-OF-THE-UPLOAD";
  const marked = (picture: Sharp) =>
    picture
      .withIccProfile("p3")
      .withExif({
        IFD0: { Artist: MARK, Copyright: MARK, Make: MARK },
        IFD2: { UserComment: MARK },
        IFD3: { GPSLatitudeRef: "N", GPSLatitude: "48/1 51/1 0/1", GPSLongitude: "2/1 21/1 0/1" },
      })
      .withXmp(`<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>${MARK}</a></x:xmpmeta>`);
  /** EXIF tag 0x8825: the position. */
  const GPS = [Buffer.from([0x88, 0x25]), Buffer.from([0x25, 0x88])];

  it.each(PICTURE_TYPES)("is not in a result encoded as %s", async (format) => {
    for (const input of PICTURE_TYPES) {
      const upload = await marked(draw()).toFormat(input).toBuffer();
      const before = await sharp(upload).metadata();
      expect(`${before.exif?.toString("latin1")}`).toContain(MARK);
      const raster = await decodePicture(upload, (size) => contentSize(size, 32), limits);
      const painted = await encodePicture(raster, { format, quality: 80 }, "made by nst");
      for (const file of [painted, await convertPicture(painted, { format: "png", quality: 100 })]) {
        const found = await sharp(file).metadata();
        const metadata = [found.exif, found.xmp, found.iptc, found.icc].map(
          (part) => part?.toString("latin1") ?? "",
        );
        expect(metadata.join()).not.toContain(MARK);
        expect(Buffer.from(file).toString("latin1")).not.toContain(MARK);
        for (const tag of GPS) expect(found.exif?.includes(tag) ?? false).toBe(false);
      }
    }
  });
});
