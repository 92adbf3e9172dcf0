// In an image's build: what TypeScript and the studio's bundler make of the sources.
import { build } from "../setup/build.mjs";
import { runScript } from "../setup/failure.mjs";
import { ROOT } from "../setup/folders.mjs";

await runScript(() => build(ROOT));
