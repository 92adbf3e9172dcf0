// node scripts/bench.mjs <folder/name> [flags]: set-up, build, then dist/bench/<folder/name>.js with the flags.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runScript } from "./setup/failure.mjs";
import { checkNode } from "./setup/node.mjs";

await runScript(async () => {
  checkNode(process.versions.node);
  const { ROOT } = await import("./setup/folders.mjs");
  const { setUp } = await import("./setup/steps.mjs");
  await setUp({ log: (line) => console.error(`setup: ${line}`) });
  const [name = ""] = process.argv.splice(2, 1);
  await import(pathToFileURL(join(ROOT, "dist/bench", `${name}.js`)).href);
});
