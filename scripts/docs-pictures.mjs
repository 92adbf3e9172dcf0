// npm run pictures [-- NAME…]: paints the pictures in docs/pictures again, all or the named ones.
import { openAsBlob } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runScript, SetupFailure } from "./setup/failure.mjs";
import { checkNode } from "./setup/node.mjs";

const SMALL = { preset: "draft", size: 192, seed: 1, timelapse_interval: 0, preview_interval: 0 };

/** The options of each picture in docs/how-it-paints.md. */
const PICTURES = {
  standard: {},
  "style-weight-low": { style_weight: 1 },
  "style-weight-high": { style_weight: 10 },
  "steps-few": { steps: 12 },
  "scales-one": { scales: 1 },
  "strokes-small": { style_scale: 0.5 },
  "strokes-large": { style_scale: 2 },
  "color-luminance": { preserve_color: "luminance" },
  "color-histogram": { preserve_color: "histogram" },
  "smooth-strong": { tv_weight: 20 },
  result: { preset: "balanced", size: 384 },
};

await runScript(async () => {
  checkNode(process.versions.node);
  const { ROOT } = await import("./setup/folders.mjs");
  const { setUp } = await import("./setup/set-up.mjs");
  await setUp({ log: (line) => console.error(`setup: ${line}`) });
  const { startEmbeddedService } = await import("../dist/local/embedded-service.js");
  const { NstClient } = await import("../dist/clients/typescript/index.js");
  const named = process.argv.slice(2);
  const unknown = named.filter((name) => !(name in PICTURES));
  if (unknown.length > 0) {
    throw new SetupFailure(
      `There is no picture ${unknown.join(", ")}.`,
      `Name some of: ${Object.keys(PICTURES).join(", ")}`,
    );
  }
  const folder = join(ROOT, "docs/pictures");
  await mkdir(folder, { recursive: true });
  const content = await openAsBlob(join(ROOT, "examples/cat.jpg"));
  const style = await openAsBlob(join(ROOT, "examples/sandstone.jpg"));
  const service = await startEmbeddedService(process.env);
  try {
    for (const name of named.length > 0 ? named : Object.keys(PICTURES)) {
      const options = { ...SMALL, ...PICTURES[name], output: { format: "webp", quality: 82 } };
      const { picture } = await new NstClient(service.url).paint({ content, style: [style], options });
      await writeFile(join(folder, `${name}.webp`), Buffer.from(await picture.arrayBuffer()));
      console.log(`docs/pictures/${name}.webp`);
    }
  } finally {
    await service.stop();
  }
});
