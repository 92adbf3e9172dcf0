/**
 * Paints the sample pictures, contents × styles × presets, and puts the results on one sheet with times and losses:
 *
 *     npm run gallery -- --size 256 --presets draft,balanced,fine --contents 3 --styles 3
 *
 * Writes gallery/sheet.png and the single pictures. With --json the last line of output is JSON.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join, parse } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { presetNameSchema } from "../../src/contract/options.ts";
import { ROOT } from "../../src/root.ts";
import { samplePaths } from "../sample-pictures.ts";
import { FilePainter } from "./file-painter.ts";

const { values: flags } = parseArgs({
  options: {
    size: { type: "string", default: "256" },
    presets: { type: "string", default: "draft,balanced,fine" },
    contents: { type: "string", default: "4" },
    styles: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
  },
});
const size = Number(flags.size);
const presets = flags.presets.split(",").map((name) => presetNameSchema.parse(name));
const contents = samplePaths("content").slice(0, Number(flags.contents));
const styles = samplePaths("style").slice(0, Number(flags.styles));

const CAPTION_HEIGHT = 18;
const folder = join(ROOT, "gallery");
await mkdir(folder, { recursive: true });
const painter = await FilePainter.load();
const cells: { input: Buffer; left: number; top: number }[] = [];
const results: { content: string; style: string; preset: string; seconds: number; loss: number }[] = [];
const columns = styles.length * presets.length;
let top = 0;
for (const content of contents) {
  let tallest = 0;
  for (const [index, style] of styles.entries()) {
    for (const [offset, preset] of presets.entries()) {
      const painted = await painter.paint({ content, styles: [style], options: { preset, size, seed: 1 } });
      const names = { content: parse(basename(content)).name, style: parse(basename(style)).name, preset };
      const { seconds, loss, picture } = painted;
      results.push({ ...names, seconds: Number(seconds.toFixed(1)), loss });
      const line = `${names.content} · ${names.style} · ${preset}: ${seconds.toFixed(0)} s, loss ${loss.toPrecision(3)}`;
      console.log(line);
      await writeFile(join(folder, `${names.content}-${names.style}-${preset}.png`), picture);
      const left = (index * presets.length + offset) * (size + 8);
      const inside = { width: size, height: size, fit: "inside" } as const;
      const fitted = await sharp(picture).resize(inside).toBuffer({ resolveWithObject: true });
      const { height } = fitted.info;
      cells.push(
        { input: fitted.data, left, top },
        { input: await renderCaption(line), left, top: top + height + 2 },
      );
      tallest = Math.max(tallest, height);
    }
  }
  top += tallest + CAPTION_HEIGHT + 12;
}
painter.dispose();
const sheet = { width: columns * (size + 8), height: top };
await sharp({ create: { ...sheet, channels: 3, background: "#ffffff" } })
  .composite(cells)
  .png()
  .toFile(join(folder, "sheet.png"));
console.log(`gallery/sheet.png: ${results.length} pictures`);
if (flags.json) console.log(JSON.stringify({ size, pictures: results }));

/** Renders text as large as fits. (sharp's SVG loader is disabled in this process.) */
async function renderCaption(text: string): Promise<Buffer> {
  return await sharp({ text: { text, width: size, height: CAPTION_HEIGHT, rgba: true } })
    .png()
    .toBuffer();
}
