/**
 * Paints a fixed set of pairs by several methods, and makes it easy to choose blind between them:
 *
 *     npm run judge -- --pictures FOLDER --methods before=FOLDER,balanced --pairs marked
 *     npm run judge -- --pictures FOLDER --methods 'peer=python peer.py {content} {style} {size} {output}' balanced
 *     npm run judge -- --count choices-1.txt choices-2.txt
 *
 * The first form paints what is missing, and writes a contact sheet for each pair, with the methods' order shuffled, and
 * the key, whose hash is printed. Whoever chooses sees only the sheets and writes a line for each pair, best first, "=" for
 * ties: "kodak_girl__udnie B>A=C". The second form counts such files. With --measure it also prints what numbers say:
 * they tell what to look at, and decide nothing.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { ROOT } from "../../src/root.ts";
import { countChoices } from "./count.ts";
import { hashKey, keySchema, shuffleMethods } from "./key.ts";
import { artifactRatio } from "./measures/artifacts.ts";
import { colorScore } from "./measures/color.ts";
import { contentScore } from "./measures/content.ts";
import { readRgb } from "./measures/planes.ts";
import { findPicture, type Painted, paintMissing, parseMethod } from "./methods.ts";
import { type Pair, pairName, selectPairs } from "./pairs.ts";
import { drawSheet } from "./sheet.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pictures: { type: "string" },
    methods: { type: "string", multiple: true },
    pairs: { type: "string", default: "marked" },
    size: { type: "string", default: "512" },
    output: { type: "string", default: join(ROOT, "judge") },
    count: { type: "boolean", default: false },
    measure: { type: "boolean", default: false },
  },
});
const output = resolve(flags.output);
const keyFile = join(output, "key.json");
if (flags.count) await count();
else await makeSheets();

async function makeSheets(): Promise<void> {
  if (flags.pictures === undefined) throw new Error("--pictures FOLDER: where the contents and styles are.");
  const texts = [...(flags.methods ?? []), ...positionals].flatMap((text) =>
    text.includes("{output}") ? [text] : text.split(","),
  );
  const methods = texts.map(parseMethod);
  if (methods.length === 0) throw new Error("--methods: name at least one preset, folder or command.");
  const pairs = selectPairs(flags.pairs);
  const settings = {
    ...{ pictures: resolve(flags.pictures), output, size: Number(flags.size) },
    log: (line: string) => console.log(line),
  };
  const painted = new Map<string, Painted>();
  for (const method of methods) painted.set(method.name, await paintMissing(method, pairs, settings));

  const key = shuffleMethods(
    pairs.map(pairName),
    methods.map(({ name }) => name),
  );
  const text = `${JSON.stringify(key, null, 2)}\n`;
  await mkdir(join(output, "sheets"), { recursive: true });
  await writeFile(keyFile, text);
  for (const pair of pairs) {
    const name = pairName(pair);
    const cells = Object.entries(key.pairs[name] ?? {}).map(([letter, method]) => ({
      path: painted.get(method)?.get(name) ?? "",
      caption: letter,
    }));
    const sources = [
      { path: await findPicture(settings.pictures, pair.content), caption: "content" },
      { path: await findPicture(settings.pictures, pair.style), caption: "style" },
    ];
    await writeFile(join(output, "sheets", `${name}.png`), await drawSheet(sources, cells, settings.size));
  }
  console.log(`${pairs.length} sheets in ${join(output, "sheets")}; SHA-256 of the key: ${hashKey(text)}`);
  if (flags.measure) await measure(pairs, painted, settings.pictures);
}

async function measure(
  pairs: readonly Pair[],
  painted: ReadonlyMap<string, Painted>,
  pictures: string,
): Promise<void> {
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
        color: colorScore(picture, content, style),
        artifacts: artifactRatio(picture, style),
      };
      const words = Object.entries(scores).map(([name, value]) => `${name} ${value.toFixed(2)}`);
      console.log(`${pairName(pair)} ${method}: ${words.join(", ")}`);
    }
  }
}

async function count(): Promise<void> {
  const key = keySchema.parse(JSON.parse(await readFile(keyFile, "utf8")));
  const texts = await Promise.all(positionals.map((file) => readFile(file, "utf8")));
  for (const { method, other, wins, ties, losses, share, lost } of countChoices(key, texts.join("\n"))) {
    const against = lost.length > 0 ? `; lost ${[...new Set(lost)].join(", ")}` : "";
    console.log(
      `${method} over ${other}: ${(100 * share).toFixed(0)} % (${wins} won, ${ties} tied, ${losses} lost${against})`,
    );
  }
}
