/**
 * Paints the strips of docs/pictures that show the effect of an option from left to right. Takes a few minutes on a CPU:
 *
 *     npm run pictures:strips              # all
 *     npm run pictures:strips -- mask      # those whose name contains an argument
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import type { RequestOptions } from "../../src/contract/options.ts";
import { ROOT } from "../../src/root.ts";
import { FilePainter, type MaskFunction, type PaintRequest, sideBySide } from "./file-painter.ts";
import { shadowHistogram } from "./shadow-histogram.ts";

const EDGE = 160;
const [cat, sandstone, waves] = ["cat", "sandstone", "waves"].map((name) =>
  join(ROOT, "examples", `${name}.jpg`),
) as [string, string, string];
const DEFAULTS: RequestOptions = { preset: "draft", size: EDGE, steps: 40, seed: 1 };

const left: MaskFunction = (x) => Math.min(1, Math.max(0, (0.56 - x) / 0.12));
const right: MaskFunction = (x, y) => 1 - left(x, y);
const disc: MaskFunction = (x, y) => Math.min(1, Math.max(0, (0.42 - Math.hypot(x - 0.5, y - 0.45)) / 0.06));

const inSandstone = (options: RequestOptions, more: Partial<PaintRequest> = {}): PaintRequest => ({
  ...{ content: cat, styles: [sandstone] },
  ...more,
  options: { ...DEFAULTS, ...options },
});
const inBoth = (options: RequestOptions, more: Partial<PaintRequest> = {}) =>
  inSandstone(options, { styles: [sandstone, waves], ...more });
const scratch = await mkdtemp(join(tmpdir(), "option-pictures-"));
const vividCat = join(scratch, "vivid.png");
const inWaves = (options: RequestOptions) => inSandstone(options, { styles: [waves] });

/** The pictures of each strip from left to right; docs/how-it-paints.md explains them. */
const STRIPS: Record<string, PaintRequest[]> = {
  style_mask: [inBoth({}, { styleMasks: [left, right] })],
  keep_mask: [inSandstone({}, { keepMask: disc })],
  transparency: [inSandstone({}, { alpha: disc })],
  style_weights: [
    [1, 0],
    [2, 1],
    [1, 2],
    [0, 1],
  ].map((style_weights) => inBoth({ style_weights })),
  init: [inSandstone({}), ...[0.5, 1].map((init_blend) => inSandstone({ init: "blend", init_blend }))],
  size: [80, 160, 320].map((size) => inSandstone({ size })),
  style_distance: (["neighbors", "gram"] as const).map((style_distance) => inWaves({ style_distance })),
  preserve_color: (["none", "luminance", "histogram", "both"] as const).map((preserve_color) =>
    inWaves({ preserve_color }),
  ),
  bit_depth: ([8, 16] as const).map((bit_depth) => inWaves({ output: { bit_depth } })),
  color_space: (["srgb", "p3"] as const).map((color_space) =>
    inSandstone({ preserve_color: "luminance", output: { color_space } }, { content: vividCat }),
  ),
};
/** Strips that show something else than the pictures themselves. */
const RENDERERS: Record<string, (picture: Uint8Array) => Promise<Uint8Array>> = {
  bit_depth: (picture) => shadowHistogram(picture, 8, { width: 256, height: EDGE }),
};

const filters = process.argv.slice(2);
const folder = join(ROOT, "docs/pictures");
await mkdir(folder, { recursive: true });
await writeFile(vividCat, await vivid(cat));
const painter = await FilePainter.load();
for (const [name, requests] of Object.entries(STRIPS)) {
  if (filters.length > 0 && !filters.some((filter) => name.includes(filter))) continue;
  const results = [];
  for (const request of requests) results.push(await painter.paint(request));
  const render = RENDERERS[name] ?? (async (picture) => picture);
  const strip = await sideBySide(await Promise.all(results.map(({ picture }) => render(picture))), EDGE);
  const bytes = await sharp(strip).webp({ quality: 80 }).toBuffer();
  await writeFile(join(folder, `${name}.webp`), bytes);
  const times = results.map(({ seconds }) => `${seconds.toFixed(1)} s`).join(", ");
  console.log(`${name}: ${times}; ${Math.round(bytes.length / 1024)} KiB`);
}
painter.dispose();
await rm(scratch, { recursive: true });

/** A more saturated copy in Display P3, with colours that sRGB does not have. */
async function vivid(path: string): Promise<Uint8Array> {
  const saturated = sharp(path).removeAlpha().modulate({ saturation: 1.6 }).raw();
  const { data, info: raw } = await saturated.toBuffer({ resolveWithObject: true });
  // libvips treats 16 bits per channel as P3 already, so it does not convert the values.
  return await sharp(data, { raw }).pipelineColourspace("rgb16").withIccProfile("p3").png().toBuffer();
}
