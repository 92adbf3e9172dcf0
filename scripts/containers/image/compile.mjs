// A step of the image build: compiles TypeScript and bundles the studio.
import { build } from "../../setup/build.mjs";
import { runScript } from "../../setup/failure.mjs";
import { ROOT } from "../../setup/folders.mjs";

await runScript(() => build(ROOT));
