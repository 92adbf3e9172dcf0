/**
 * Paints a fixed set of pairs by several methods, and makes it easy to choose blind between them:
 *
 *     npm run judge -- --pictures FOLDER --methods before=FOLDER,balanced --pairs marked
 *     npm run judge -- --pictures FOLDER --methods balanced,crowsonkb-short --crowsonkb CHECKOUT --pairwise
 *     npm run judge -- --pictures FOLDER --methods 'peer=python peer.py {content} {style} {size} {output}' balanced
 *     npm run judge -- --count judge/key-3f2a9c01.json choices-1.txt choices-2.txt
 *
 * The first forms paint what is missing, write numbered sheets with the methods in an order that is shuffled for each, and the
 * key, whose hash is printed. With --pairwise a sheet shows the first method and one of the others. Whoever chooses sees
 * only the folder of sheets, with choose.txt, and writes a line for each sheet. The last form counts such files.
 *
 * With --measure it also prints what numbers say: they tell what to look at, and decide nothing.
 */
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { readConfig } from "../../src/config.ts";
import { ROOT } from "../../src/root.ts";
import { findWeights } from "../../workers/engine/weights/find-weights.ts";
import { loadWeights } from "../../workers/engine/weights/load.ts";
import { installPytorch } from "../engine/peers/install-pytorch.ts";
import { writeWeights } from "../engine/write-weights.ts";
import { countChoices } from "./count.ts";
import { hashKey, keySchema } from "./key.ts";
import { printMeasures } from "./measures/print.ts";
import { parseMethod } from "./methods.ts";
import { type Painted, paintMissing } from "./paint-missing.ts";
import { selectPairs } from "./pairs.ts";
import { writeSheets } from "./write-sheets.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pictures: { type: "string" },
    methods: { type: "string", multiple: true },
    crowsonkb: { type: "string" },
    pairs: { type: "string", default: "marked" },
    size: { type: "string", default: "512" },
    pairwise: { type: "boolean", default: false },
    output: { type: "string", default: join(ROOT, "judge") },
    count: { type: "string" },
    measure: { type: "boolean", default: false },
  },
});
if (flags.count !== undefined) await count(flags.count);
else await compare();

async function compare(): Promise<void> {
  if (flags.pictures === undefined) throw new Error("--pictures FOLDER: where the contents and styles are.");
  const texts = [...(flags.methods ?? []), ...positionals].flatMap((text) =>
    text.includes("{output}") ? [text] : text.split(","),
  );
  const python = flags.crowsonkb === undefined ? "" : await installPytorch(["torchvision", "pillow"]);
  const methods = texts.map((text) => parseMethod(text, { crowsonkb: flags.crowsonkb, python }));
  if (methods.length === 0) throw new Error("--methods: name at least one preset, folder or command.");
  const pairs = selectPairs(flags.pairs);
  const [pictures, output, size] = [resolve(flags.pictures), resolve(flags.output), Number(flags.size)];
  const weights = await mkdtemp(join(tmpdir(), "nst-judge-"));
  const painted = new Map<string, Painted>();
  try {
    if (methods.some(({ kind }) => kind === "command")) {
      await writeWeights(
        weights,
        await loadWeights(findWeights(ROOT, readConfig().vgg19Weights ?? undefined)),
      );
    }
    for (const method of methods) {
      const settings = { pictures, output, size, weights, log: (line: string) => console.log(line) };
      painted.set(method.name, await paintMissing(method, pairs, settings));
    }
  } finally {
    await rm(weights, { recursive: true });
  }
  await mkdir(output, { recursive: true });
  const { folder, hash } = await writeSheets(pairs, painted, {
    ...{ pictures, output, size },
    isPairwise: flags.pairwise,
  });
  console.log(`sheets: ${folder}; SHA-256 of the key: ${hash}`);
  if (flags.measure) await printMeasures(pairs, painted, pictures);
}

async function count(keyFile: string): Promise<void> {
  const text = await readFile(keyFile, "utf8");
  console.log(`SHA-256 of the key: ${hashKey(text)}`);
  const choices = await Promise.all(positionals.map((file) => readFile(file, "utf8")));
  for (const score of countChoices(keySchema.parse(JSON.parse(text)), choices.join("\n"))) {
    const { method, other, wins, ties, losses, share, lost } = score;
    const against = lost.length > 0 ? `; lost ${[...new Set(lost)].join(", ")}` : "";
    console.log(
      `${method} over ${other}: ${(100 * share).toFixed(0)} % (${wins} won, ${ties} tied, ${losses} lost${against})`,
    );
  }
}
