import sharp, { type ResizeOptions } from "sharp";

const GAP = 8;
const CAPTION_HEIGHT = 28;
const SOURCE_HEIGHT = 160;

interface Cell {
  path: string;
  caption: string;
}

/**
 * A contact sheet: content and style small in the first row, the pictures at equal size below.
 * @param size longest edge of a picture on the sheet, in pixels
 */
export async function drawSheet(
  sources: readonly Cell[],
  pictures: readonly Cell[],
  size: number,
): Promise<Buffer> {
  const layers: { input: Buffer; left: number; top: number }[] = [];
  let width = 0;
  const drawRow = async (cells: readonly Cell[], top: number, fit: ResizeOptions): Promise<number> => {
    let left = GAP;
    let bottom = top;
    for (const { path, caption } of cells) {
      const { data, info } = await sharp(path)
        .toColourspace("srgb")
        .removeAlpha()
        .resize(fit)
        .png()
        .toBuffer({ resolveWithObject: true });
      layers.push({ input: await drawCaption(caption, info.width), left, top });
      layers.push({ input: data, left, top: top + CAPTION_HEIGHT });
      left += info.width + GAP;
      bottom = Math.max(bottom, top + CAPTION_HEIGHT + info.height + GAP);
    }
    width = Math.max(width, left);
    return bottom;
  };
  const middle = await drawRow(sources, GAP, { height: SOURCE_HEIGHT });
  const height = await drawRow(pictures, middle, { width: size, height: size, fit: "inside" });
  return await sharp({ create: { width, height, channels: 3, background: "#ffffff" } })
    .composite(layers)
    .png()
    .toBuffer();
}

async function drawCaption(text: string, width: number): Promise<Buffer> {
  return await sharp({ text: { text, width, height: CAPTION_HEIGHT - 6, rgba: true } })
    .png()
    .toBuffer();
}
