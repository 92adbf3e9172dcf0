import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hashKey, shuffleSheets } from "./key.ts";
import type { Painted } from "./paint-missing.ts";
import { type Pair, pairName } from "./pairs.ts";
import { findPicture } from "./pictures.ts";
import { drawSheet } from "./sheet.ts";

const INSTRUCTIONS = `Each numbered sheet shows a content picture and a style picture, small, and below them two or more paintings of that content
in that style, marked A, B and so on. Look at each sheet at its full size. Which painting would you rather hang on a wall, as
this content painted in this style? The content should be recognized, faces and eyes whole, and the whole should look painted
in the style: no photograph under a veil, no blotches, no speckles, no weave, no bare places.

Write one line for each sheet, the best first, "=" if you cannot choose, for example

01 B>A
02 A=B

Choose by the pictures alone. Do not look for how they were made, or for any file outside this folder.
`;

/**
 * Writes the sheets and what to do with them into a folder of their own, and the key beside it. Both are named by the key's
 * hash, so another comparison overwrites nothing.
 */
export async function writeSheets(
  pairs: readonly Pair[],
  painted: ReadonlyMap<string, Painted>,
  settings: { pictures: string; output: string; size: number; isPairwise: boolean },
): Promise<{ folder: string; hash: string }> {
  const key = shuffleSheets(pairs.map(pairName), [...painted.keys()], settings.isPairwise);
  const text = `${JSON.stringify(key, null, 2)}\n`;
  const hash = hashKey(text);
  const folder = join(settings.output, `sheets-${hash.slice(0, 8)}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(settings.output, `key-${hash.slice(0, 8)}.json`), text);
  await writeFile(join(folder, "choose.txt"), INSTRUCTIONS);
  for (const [number, { pair, methods }] of Object.entries(key.sheets)) {
    const [content = "", style = ""] = pair.split("__");
    const sources = [
      { path: await findPicture(settings.pictures, content), caption: "content" },
      { path: await findPicture(settings.pictures, style), caption: "style" },
    ];
    const cells = Object.entries(methods).map(([letter, method]) => ({
      path: painted.get(method)?.get(pair) ?? "",
      caption: letter,
    }));
    await writeFile(join(folder, `${number}.png`), await drawSheet(sources, cells, settings.size));
  }
  return { folder, hash };
}
