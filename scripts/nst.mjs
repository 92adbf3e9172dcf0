#!/usr/bin/env node
// nst: the command line. Sets the clone up first if that has not been done.
import { existsSync } from "node:fs";
import { runScript } from "./setup/failure.mjs";
import { checkNode } from "./setup/node.mjs";

await runScript(async () => {
  checkNode(process.versions.node);
  const { loadDotEnv } = await import("./setup/load-dot-env.mjs");
  loadDotEnv();
  const main = new URL("../dist/cli/main.js", import.meta.url);
  if (!existsSync(main)) {
    const { setUp } = await import("./setup/set-up.mjs");
    await setUp({ log: (line) => console.error(`setup: ${line}`) });
  }
  const { run, processTerminal } = await import(main.href);
  process.exitCode = await run(process.argv.slice(2), processTerminal());
});
