// npm run openapi: writes what is generated from the schemas (openapi.yaml, docs/options.md, the client's types), and
// compiles again. Ignores errors of the first compilation: code that uses the client may need the new types.
import { join } from "node:path";
import { build, compile } from "./setup/build.mjs";
import { runCommand } from "./setup/command.mjs";
import { runScript, SetupFailure } from "./setup/failure.mjs";
import { ROOT } from "./setup/folders.mjs";

await runScript(async () => {
  await compile(ROOT);
  for (const script of ["dist/src/generate-documents.js", "clients/typescript/generate/main.mjs"]) {
    const { code, output } = await runCommand(process.execPath, [join(ROOT, script)]);
    if (code !== 0) throw new SetupFailure(`${script} failed:\n${output.trim()}`, "Fix the error above.");
  }
  await build(ROOT);
});
