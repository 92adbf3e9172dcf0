import sharp from "sharp";

/**
 * What an editor's histogram shows of a picture's channels once its shadows were raised: how many numbers have each of 256
 * levels (taller is more, by the square root), those that none has left white.
 *
 * @param times what every level is multiplied by; what is brighter than white then is left out
 */
export async function levelsOfRaisedShadows(
  picture: Uint8Array,
  times: number,
  { width, height }: { width: number; height: number },
): Promise<Uint8Array> {
  const { depth } = await sharp(picture).metadata();
  const deep = depth === "ushort";
  const bytes = await (deep ? sharp(picture).toColourspace("rgb16") : sharp(picture))
    .raw({ depth: deep ? "ushort" : "uchar" })
    .toBuffer();
  const values = deep ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) : bytes;
  const counts = new Array<number>(256).fill(0);
  for (const value of values) {
    const level = Math.round((value / (deep ? 65_535 : 255)) * times * 255);
    if (level > 0 && level < 255) counts[level] = (counts[level] ?? 0) + 1;
  }
  const most = Math.sqrt(Math.max(...counts));
  const data = new Uint8Array(width * height).map((_, pixel) => {
    const count = counts[Math.floor(((pixel % width) / width) * 256)] ?? 0;
    const tall = (Math.sqrt(count) / most) * height;
    return height - Math.floor(pixel / width) <= tall ? 40 : 255;
  });
  return await sharp(data, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer();
}
