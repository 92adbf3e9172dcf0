// node scripts/run.mjs <program> [flags]: sets up, builds, and runs dist/<program>.js with the flags.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runScript } from "./setup/failure.mjs";
import { checkNode } from "./setup/node.mjs";

await runScript(async () => {
  checkNode(process.versions.node);
  const { ROOT } = await import("./setup/folders.mjs");
  const { setUp } = await import("./setup/set-up.mjs");
  await setUp({ log: (line) => console.error(`setup: ${line}`) });
  const [program = ""] = process.argv.splice(2, 1);
  await import(pathToFileURL(join(ROOT, "dist", `${program}.js`)).href);
});
