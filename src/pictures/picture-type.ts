/** The supported picture types. */
export const PICTURE_TYPES = ["jpeg", "png", "webp", "avif"] as const;
export type PictureType = (typeof PICTURE_TYPES)[number];

export const MEDIA_TYPES: Record<PictureType, string> = {
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  avif: "image/avif",
};

/** The usual file extension of a type, without the dot. */
export const fileExtension = (type: PictureType) => (type === "jpeg" ? "jpg" : type);

/** How many bytes of a file `detectPictureType` needs. */
export const SIGNATURE_BYTES = 64;

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const JPEG = [0xff, 0xd8, 0xff];

/**
 * Detects the type of a file from its first bytes; null if it is not supported.
 *
 * PNG: its 8-byte signature (ISO/IEC 15948). JPEG: start of image and another marker (ISO/IEC 10918-1).
 * WebP: RIFF container of form WEBP (RFC 9649). AVIF: ISO base media file whose `ftyp` box names the brand
 * avif, or avis for a sequence (AV1 Image File Format, section 6).
 */
export function detectPictureType(head: Uint8Array): PictureType | null {
  const ascii = (start: number, end: number) => String.fromCharCode(...head.subarray(start, end));
  if (PNG.every((byte, index) => head[index] === byte)) return "png";
  if (JPEG.every((byte, index) => head[index] === byte)) return "jpeg";
  if (ascii(0, 4) === "RIFF" && ascii(8, 12) === "WEBP") return "webp";
  if (ascii(4, 8) === "ftyp" && brands(head).some((brand) => brand === "avif" || brand === "avis"))
    return "avif";
  return null;
}

/** Major and compatible brands of an `ftyp` box; bytes 12 to 15 are the minor version. */
function brands(head: Uint8Array): string[] {
  const size = new DataView(head.buffer, head.byteOffset, head.byteLength).getUint32(0);
  const end = Math.min(size, head.length);
  const found: string[] = [];
  for (let at = 8; at + 4 <= end; at += 4) {
    if (at !== 12) found.push(String.fromCharCode(...head.subarray(at, at + 4)));
  }
  return found;
}
