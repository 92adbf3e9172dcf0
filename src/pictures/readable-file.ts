import { readFile } from "node:fs/promises";
import type { PictureSource } from "./sharp.ts";

const START = Buffer.from([0xff, 0xd8, 0xff]);
const END = Buffer.from([0xff, 0xd9]);
const START_OF_SCAN = 0xda;

/**
 * What libvips can read of a file, which is the file itself with two exceptions. A JPEG that lacks only its end marker gets one:
 * some cameras and servers cut it off. Then libjpeg warns if picture data is missing too, so that warnings must count as errors.
 * An AVIF sequence gets the brand of a still picture, whose first frame it has too.
 */
export async function readableFile(
  source: PictureSource,
): Promise<{ source: PictureSource; failOn: "error" | "warning" }> {
  const bytes = Buffer.from(typeof source === "string" ? await readFile(source) : source);
  if (bytes.toString("latin1", 4, 12) === "ftypavis") {
    bytes.write("avif", 8, "latin1");
    return { source: bytes, failOn: "error" };
  }
  const scan = bytes.subarray(0, 3).equals(START) ? findScan(bytes) : null;
  if (scan === null || bytes.includes(END, scan)) return { source, failOn: "error" };
  return { source: Buffer.concat([bytes, END]), failOn: "warning" };
}

/** Where the first scan begins. The segments before it, such as a thumbnail, may have end markers of their own. */
function findScan(bytes: Buffer): number | null {
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    if (bytes[at + 1] === START_OF_SCAN) return at;
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return null;
}
