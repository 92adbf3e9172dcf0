// npm run setup [-- --cpu | --gpu]: installs whatever is missing, and builds.
import { runScript } from "./setup/failure.mjs";
import { checkNode } from "./setup/node.mjs";

await runScript(async () => {
  checkNode(process.versions.node);
  const { flavourFrom } = await import("./setup/arguments.mjs");
  const { setUp } = await import("./setup/set-up.mjs");
  const started = performance.now();
  await setUp({
    flavour: flavourFrom(process.argv.slice(2)),
    log: (line) => console.error(`setup: ${line}`),
  });
  console.log(`Set up (${((performance.now() - started) / 1000).toFixed(1)} s).`);
});
