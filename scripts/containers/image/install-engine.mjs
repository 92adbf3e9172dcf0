// A step of the image build, engine.mjs cpu|gpu: installs TensorFlow, its binding, the native kernels and the packages that run.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../../setup/command.mjs";
import { runScript, SetupFailure } from "../../setup/failure.mjs";
import { cacheFolder, ROOT } from "../../setup/folders.mjs";
import { installAddon, nativeKernels, tfjsBinding } from "../../setup/native-addons.mjs";
import { installSandbox } from "../../setup/sandbox.mjs";
import { installTensorFlow } from "../../setup/tensorflow.mjs";

/** TensorFlow.js has builds for browsers, which Node does not use. */
const BROWSER_FORMS = "find node_modules/@tensorflow -type d \\( -name dist-es6 -o -name dist_es6 \\) -prune";

await runScript(async () => {
  const flavour = process.argv[2] === "gpu" ? "gpu" : "cpu";
  const log = (line) => console.error(line);
  const cache = cacheFolder();
  const tensorflow = await installTensorFlow(cache, flavour, log);
  for (const addon of [tfjsBinding(ROOT), ...nativeKernels(ROOT)]) {
    await installAddon(ROOT, cache, tensorflow, addon, log);
  }
  await installSandbox(ROOT, cache, log);
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
