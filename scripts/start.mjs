// npm start: sets up, builds, and runs the whole service on this machine until it is stopped.
import { runScript } from "./setup/failure.mjs";
import { checkNode } from "./setup/node.mjs";

await runScript(async () => {
  checkNode(process.versions.node);
  const { loadDotEnv } = await import("./setup/load-dot-env.mjs");
  loadDotEnv();
  const { setUp } = await import("./setup/set-up.mjs");
  await setUp({ log: (line) => console.error(`setup: ${line}`) });
  const { onNpmExit } = await import("./setup/npm-parent.mjs");
  onNpmExit(() => process.kill(process.pid, "SIGTERM"));
  await import("../dist/local/main.js");
});
