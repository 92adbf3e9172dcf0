/**
 * Strips for docs/pictures of what takes more than one content and one style: from left to right what an option does, made
 * of the project's own examples. A few minutes on a CPU:
 *
 *     npm run pictures:strips              # all
 *     npm run pictures:strips -- mask      # those whose name holds one of these
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import type { RequestOptions } from "../../src/contract/options.ts";
import { ROOT } from "../../src/root.ts";
import { levelsOfRaisedShadows } from "./levels.ts";
import { Painter, type Place, type Recipe, sideBySide } from "./paint-in-process.ts";

const EDGE = 160;
const [cat, sandstone, waves] = ["cat", "sandstone", "waves"].map((name) =>
  join(ROOT, "examples", `${name}.jpg`),
) as [string, string, string];
const usual: RequestOptions = { preset: "draft", size: EDGE, steps: 40, seed: 1 };

const left: Place = (x) => Math.min(1, Math.max(0, (0.56 - x) / 0.12));
const right: Place = (x, y) => 1 - left(x, y);
const disc: Place = (x, y) => Math.min(1, Math.max(0, (0.42 - Math.hypot(x - 0.5, y - 0.45)) / 0.06));

const of = (options: RequestOptions, more: Partial<Recipe> = {}): Recipe => ({
  ...{ content: cat, styles: [sandstone] },
  ...more,
  options: { ...usual, ...options },
});
const both = (options: RequestOptions, more: Partial<Recipe> = {}) =>
  of(options, { styles: [sandstone, waves], ...more });
const scratch = await mkdtemp(join(tmpdir(), "option-pictures-"));
const vividCat = join(scratch, "vivid.png");
const inWaves = (options: RequestOptions) => of(options, { styles: [waves] });

/** By option, from left to right; docs/how-it-paints.md says what is what. */
const STRIPS: Record<string, Recipe[]> = {
  style_mask: [both({}, { styleMasks: [left, right] })],
  keep_mask: [of({}, { keepMask: disc })],
  transparency: [of({}, { alpha: disc })],
  style_weights: [
    [1, 0],
    [2, 1],
    [1, 2],
    [0, 1],
  ].map((style_weights) => both({ style_weights })),
  init: [
    ...(["content", "recolored"] as const).map((init) => of({ init })),
    ...[0.5, 1].map((init_blend) => of({ init: "blend", init_blend })),
  ],
  size: [80, 160, 320].map((size) => of({ size })),
  style_distance: [
    inWaves({}),
    ...[2, 1].map((style_weight) => inWaves({ style_distance: "moments", style_weight })),
  ],
  preserve_color: (["none", "luminance", "histogram", "both"] as const).map((preserve_color) =>
    inWaves({ preserve_color }),
  ),
  bit_depth: ([8, 16] as const).map((bit_depth) => inWaves({ output: { bit_depth } })),
  color_space: (["srgb", "p3"] as const).map((color_space) =>
    of({ preserve_color: "luminance", output: { color_space } }, { content: vividCat }),
  ),
};
/** What is shown of a strip's pictures, where it is not the pictures themselves. */
const SHOWN: Record<string, (picture: Uint8Array) => Promise<Uint8Array>> = {
  bit_depth: (picture) => levelsOfRaisedShadows(picture, 8, { width: 256, height: EDGE }),
};

const wanted = process.argv.slice(2);
const folder = join(ROOT, "docs/pictures");
await mkdir(folder, { recursive: true });
await writeFile(vividCat, await vivid(cat));
const painter = await Painter.load();
for (const [name, recipes] of Object.entries(STRIPS)) {
  if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
  const painted = [];
  for (const recipe of recipes) painted.push(await painter.paint(recipe));
  const show = SHOWN[name] ?? (async (picture) => picture);
  const strip = await sideBySide(await Promise.all(painted.map(({ picture }) => show(picture))), EDGE);
  const bytes = await sharp(strip).webp({ quality: 80 }).toBuffer();
  await writeFile(join(folder, `${name}.webp`), bytes);
  const times = painted.map(({ seconds }) => `${seconds.toFixed(1)} s`).join(", ");
  console.log(`${name}: ${times}; ${Math.round(bytes.length / 1024)} KiB`);
}
painter.dispose();
await rm(scratch, { recursive: true });

/** A picture with colours that sRGB lacks, in Display P3: the same numbers, more saturated. */
async function vivid(path: string): Promise<Uint8Array> {
  const saturated = sharp(path).removeAlpha().modulate({ saturation: 1.6 }).raw();
  const { data, info: raw } = await saturated.toBuffer({ resolveWithObject: true });
  // libvips takes 16 bits a channel for P3 already: the numbers stay.
  return await sharp(data, { raw }).pipelineColourspace("rgb16").withIccProfile("p3").png().toBuffer();
}
