// npm run build: compiles TypeScript, copies the Lua scripts, bundles the studio, and removes output whose source is gone. The
// image build runs it too.
import { build } from "./setup/build.mjs";
import { runScript } from "./setup/failure.mjs";
import { ROOT } from "./setup/folders.mjs";

await runScript(() => build(ROOT));
