import type { PictureType } from "./picture-type.ts";

/** How many frames a PNG or an AVIF has; 1 for other types. */
export function countFrames(bytes: Buffer, type: PictureType | string): number {
  if (type === "png") return countPngFrames(bytes);
  return type === "avif" && isSequence(bytes) ? countSamples(bytes) : 1;
}

/** The `acTL` chunk of an animated PNG comes before its image data (PNG, third edition, section 11.3.6.1). */
function countPngFrames(bytes: Buffer): number {
  for (let at = 8; at + 12 <= bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const type = bytes.toString("latin1", at + 4, at + 8);
    if (type === "IDAT") return 1;
    if (type === "acTL") return Math.max(1, bytes.readUInt32BE(at + 8));
  }
  return 1;
}

/** Whether the `ftyp` box has the brand of a sequence (AV1 Image File Format, section 6.4). */
function isSequence(bytes: Buffer): boolean {
  const brands = bytes.toString("latin1", 8, Math.min(bytes.length, bytes.readUInt32BE(0)));
  return brands.includes("avis");
}

/** The most samples of a track, as its `stsz` box says (ISO/IEC 14496-12, section 8.7.3). */
function countSamples(bytes: Buffer): number {
  let most = 1;
  for (let at = bytes.indexOf("stsz"); at >= 0; at = bytes.indexOf("stsz", at + 4)) {
    if (at + 16 <= bytes.length) most = Math.max(most, bytes.readUInt32BE(at + 12));
  }
  return most;
}
