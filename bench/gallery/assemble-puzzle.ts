import sharp from "sharp";

/**
 * Puts a jigsaw puzzle of GCompris together.
 *
 * @param board the puzzle's description in QML: a size, and pieces with the places of their centres from 0 to 1
 * @param pieces by file name
 */
export async function assemblePuzzle(board: string, pieces: ReadonlyMap<string, Buffer>): Promise<Buffer> {
  const [, width, height] = (/"width": (\d+),\s*"height": (\d+)/.exec(board) ?? []).map(Number);
  if (width === undefined || height === undefined) throw new Error("The puzzle's board has no size.");
  const layers = [];
  for (const [, name = "", x, y] of board.matchAll(
    /"image\/([^"]+\.webp)",\s*"x" : "([\d.]+)",\s*"y" : "([\d.]+)"/g,
  )) {
    const piece = pieces.get(name);
    if (piece === undefined) throw new Error(`The puzzle's piece ${name} is missing.`);
    const size = await sharp(piece).metadata();
    const [left, top] = [Number(x) * width - size.width / 2, Number(y) * height - size.height / 2];
    layers.push({ input: piece, left: Math.max(0, Math.round(left)), top: Math.max(0, Math.round(top)) });
  }
  const background = "#00000000";
  const assembled = await sharp({ create: { width, height, channels: 4, background } })
    .composite(layers)
    .png()
    .toBuffer();
  return await sharp(assembled).trim({ background }).removeAlpha().png().toBuffer();
}
