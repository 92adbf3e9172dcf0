/**
 * Paints a fixed set, contents × styles × presets, and puts it on one sheet with times and losses:
 *
 *     npm run gallery -- --size 256 --presets draft,balanced,fine --contents 3 --styles 3
 *
 * Pictures lie beside the project (../shared/samples) or are its own examples. The sheet is gallery/sheet.png, each
 * picture beside it; a last line of JSON with --json.
 */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join, parse, resolve } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { presetNameSchema } from "../../src/contract/options.ts";
import { ROOT } from "../../src/root.ts";
import { Painter } from "./paint-in-process.ts";

const SAMPLES = resolve(ROOT, "../shared/samples");
const existing = (paths: string[]) => paths.filter((path) => existsSync(path));
const CONTENTS = existing([
  ...["chelsea.png", "coffee.png", "rocket.jpg"].map((name) => join(SAMPLES, name)),
  join(ROOT, "examples/cat.jpg"),
]);
const STYLES = existing([
  ...["starry_night.jpg", "shipwreck.jpg", "brick.png"].map((name) => join(SAMPLES, name)),
  ...["sandstone.jpg", "waves.jpg"].map((name) => join(ROOT, "examples", name)),
]);

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
const contents = CONTENTS.slice(0, Number(flags.contents));
const styles = STYLES.slice(0, Number(flags.styles));

const TEXT = 18;
const folder = join(ROOT, "gallery");
await mkdir(folder, { recursive: true });
const painter = await Painter.load();
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
        { input: await caption(line), left, top: top + height + 2 },
      );
      tallest = Math.max(tallest, height);
    }
  }
  top += tallest + TEXT + 12;
}
painter.dispose();
const sheet = { width: columns * (size + 8), height: top };
await sharp({ create: { ...sheet, channels: 3, background: "#ffffff" } })
  .composite(cells)
  .png()
  .toFile(join(folder, "sheet.png"));
console.log(`gallery/sheet.png: ${results.length} pictures`);
if (flags.json) console.log(JSON.stringify({ size, pictures: results }));

/** As large as fits. (The service's own decoders are the only ones that are open here: no SVG.) */
async function caption(text: string): Promise<Buffer> {
  return await sharp({ text: { text, width: size, height: TEXT, rgba: true } })
    .png()
    .toBuffer();
}
