// npm run keys -- create|list|rotate|revoke …: builds, and runs dist/local/keys.js.
import { runScript } from "./setup/failure.mjs";
import { checkNode } from "./setup/node.mjs";

await runScript(async () => {
  checkNode(process.versions.node);
  const { loadDotEnv } = await import("./setup/load-dot-env.mjs");
  loadDotEnv();
  const { ROOT } = await import("./setup/folders.mjs");
  const { build } = await import("./setup/build.mjs");
  await build(ROOT);
  await import("../dist/local/keys.js");
});
