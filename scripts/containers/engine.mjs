// In an image's build: engine.mjs cpu|gpu. TensorFlow, its binding and the native kernels, and of the packages what runs.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../setup/command.mjs";
import { installAddon, nativeKernels, tfjsBinding } from "../setup/compile.mjs";
import { installConfine } from "../setup/confine.mjs";
import { runScript, SetupFailure } from "../setup/failure.mjs";
import { cacheFolder, ROOT } from "../setup/folders.mjs";
import { installTensorFlow } from "../setup/tensorflow.mjs";

/** TensorFlow.js comes in every form that a browser may want; Node takes one. */
const BROWSER_FORMS = "find node_modules/@tensorflow -type d \\( -name dist-es6 -o -name dist_es6 \\) -prune";

await runScript(async () => {
  const flavour = process.argv[2] === "gpu" ? "gpu" : "cpu";
  const log = (line) => console.error(line);
  const cache = cacheFolder();
  const tensorflow = await installTensorFlow(cache, flavour, log);
  for (const addon of [tfjsBinding(ROOT), ...nativeKernels(ROOT)]) {
    await installAddon(ROOT, cache, tensorflow, addon, log);
  }
  await installConfine(ROOT, cache, log);
  await rm(tensorflow.include, { recursive: true });
  await run("npm prune --omit=dev");
  await run("find node_modules -name '*.map' -delete");
  await run(`${BROWSER_FORMS} -exec rm -rf {} +`);
  await rm(join(cache, "wheels"), { recursive: true, force: true });
});

/** @param {string} line */
async function run(line) {
  const { code, output } = await runCommand("sh", ["-c", line], { cwd: ROOT });
  if (code !== 0) throw new SetupFailure(`${line} failed:\n${output}`, "See its message above.");
}
