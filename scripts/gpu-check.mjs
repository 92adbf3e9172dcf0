// npm run gpu:check: on a machine with an NVIDIA GPU, sets up the GPU build, compares its gradients with a reference, paints
// the demo, and compares the time of a step with PyTorch's. It has never run on a GPU. Without one it exits with code 77.
import { fileURLToPath } from "node:url";
import { runCommand } from "./setup/command.mjs";
import { runScript, SetupFailure } from "./setup/failure.mjs";
import { checkNode } from "./setup/node.mjs";
import { hasNvidiaDriver } from "./setup/tensorflow.mjs";

/** What automake and others use for a check that could not run. */
const NO_GPU = 77;

await runScript(async () => {
  checkNode(process.versions.node);
  if (!hasNvidiaDriver()) {
    console.log("no GPU");
    process.exitCode = NO_GPU;
    return;
  }
  await run("setting up the GPU build", ["scripts/setup.mjs", "--gpu"]);
  // In a process of its own, which frees the card's memory.
  const exit =
    "import('./dist/workers/engine/tensorflow.js').then((tf) => process.exit(tf.isUsingGpu() ? 0 : 1))";
  await run("looking whether TensorFlow uses the GPU", ["--eval", exit]);
  await run("comparing loss and gradient with the float64 reference", [
    "scripts/test.mjs",
    "test/engine/loss-and-gradient",
  ]);
  await run("painting the demo", ["scripts/demo.mjs"]);
  await run("comparing a step with PyTorch's", [
    "scripts/run.mjs",
    ...["bench/engine/engine", "--sizes", "256,512", "--float64"],
  ]);
  console.log("The GPU check passed.");
});

/** @param {string} what @param {string[]} args */
async function run(what, args) {
  console.log(`\n${what}`);
  const started = performance.now();
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const { code } = await runCommand(process.execPath, args, { cwd, show: true });
  if (code !== 0) throw new SetupFailure(`The GPU check failed while ${what}.`, "See the output above.");
  console.log(`${what}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
}
