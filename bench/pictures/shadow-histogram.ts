import sharp from "sharp";

/**
 * Draws the histogram of a picture whose shadows are brightened, with 256 bins and a square-root scale. With 8 bits per
 * channel some bins are empty.
 *
 * @param gain multiplies every value; values beyond white are left out
 */
export async function shadowHistogram(
  picture: Uint8Array,
  gain: number,
  { width, height }: { width: number; height: number },
): Promise<Uint8Array> {
  const { depth } = await sharp(picture).metadata();
  const is16Bit = depth === "ushort";
  const bytes = await (is16Bit ? sharp(picture).toColourspace("rgb16") : sharp(picture))
    .raw({ depth: is16Bit ? "ushort" : "uchar" })
    .toBuffer();
  const values = is16Bit ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) : bytes;
  const counts = new Array<number>(256).fill(0);
  for (const value of values) {
    const level = Math.round((value / (is16Bit ? 65_535 : 255)) * gain * 255);
    if (level > 0 && level < 255) counts[level] = (counts[level] ?? 0) + 1;
  }
  const maximum = Math.sqrt(Math.max(...counts));
  const data = new Uint8Array(width * height).map((_, pixel) => {
    const count = counts[Math.floor(((pixel % width) / width) * 256)] ?? 0;
    const barHeight = (Math.sqrt(count) / maximum) * height;
    return height - Math.floor(pixel / width) <= barHeight ? 40 : 255;
  });
  return await sharp(data, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer();
}
