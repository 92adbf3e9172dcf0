// npm start: set-up, build, then the whole service on this machine until it is told to stop.
import { runScript } from "./setup/failure.mjs";
import { checkNode } from "./setup/node.mjs";

await runScript(async () => {
  checkNode(process.versions.node);
  const { loadDotEnv } = await import("./setup/dot-env.mjs");
  loadDotEnv();
  const { setUp } = await import("./setup/steps.mjs");
  await setUp({ log: (line) => console.error(`setup: ${line}`) });
  const { whenNpmEnds } = await import("./setup/parents.mjs");
  whenNpmEnds(() => process.kill(process.pid, "SIGTERM"));
  await import("../dist/local/main.js");
});
