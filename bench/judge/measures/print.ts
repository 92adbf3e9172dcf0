import sharp from "sharp";
import type { Painted } from "../paint-missing.ts";
import { type Pair, pairName } from "../pairs.ts";
import { findPicture } from "../pictures.ts";
import { artifactRatio } from "./artifacts.ts";
import { colorScore } from "./color.ts";
import { contentScore } from "./content.ts";
import { readRgb } from "./planes.ts";
import { StyleMeasure } from "./style.ts";

/** Prints a line of numbers for each painting: 0 is a measure's floor on this pair, 1 its ceiling. */
export async function printMeasures(
  pairs: readonly Pair[],
  painted: ReadonlyMap<string, Painted>,
  pictures: string,
): Promise<void> {
  const styleMeasure = await StyleMeasure.load();
  for (const pair of pairs) {
    for (const [method, paths] of painted) {
      const path = paths.get(pairName(pair)) ?? "";
      const { width, height } = await sharp(path).metadata();
      const [picture, content, style] = await Promise.all([
        readRgb(path, width, height),
        readRgb(await findPicture(pictures, pair.content), width, height),
        readRgb(await findPicture(pictures, pair.style), width, height),
      ]);
      const scores = {
        content: contentScore(picture, content, style),
        ...styleMeasure.score(picture, content, style),
        color: colorScore(picture, content, style),
        artifacts: artifactRatio(picture, style),
      };
      const words = Object.entries(scores).map(([name, value]) => `${name} ${value.toFixed(2)}`);
      console.log(`${pairName(pair)} ${method}: ${words.join(", ")}`);
    }
  }
  styleMeasure.dispose();
}
