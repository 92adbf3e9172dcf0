/**
 * Our side of bench/engine/engine.ts, in its own process so that its memory can be measured. Reads the inputs from the
 * folder given as argument, and answers each line on standard input as bench/engine/peers/pytorch_step.py does.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { Objective } from "../../workers/engine/objective.ts";
import { tf } from "../../workers/engine/tensorflow.ts";
import { loadWeights } from "../../workers/engine/weights/load.ts";
import type { StepInputs } from "./step-inputs.ts";

const folder = process.argv[2] ?? "";
const inputs = JSON.parse(await readFile(join(folder, "inputs.json"), "utf8")) as StepInputs;
const image = await readPicture("image");
const network = new Vgg19(await loadWeights(inputs.weights), chooseKernels());
network.warmUp("block5_conv4");
const [content, style] = [await readPicture("content"), await readPicture("style")];
const objective = new Objective(
  network,
  { ...inputs.objective },
  { content, regions: [{ styles: [{ picture: style, weight: 1 }], weight: 1 }] },
);
tf.dispose([content, style]);

for await (const line of createInterface({ input: process.stdin })) {
  const started = performance.now();
  const { loss, gradient } = objective.evaluate(image);
  const milliseconds = performance.now() - started;
  if (line === "result") {
    await writeFile(join(folder, "ours.gradient"), gradient.dataSync<"float32">());
  }
  gradient.dispose();
  console.log(JSON.stringify({ milliseconds, loss: loss.total }));
}

async function readPicture(name: string) {
  const bytes = await readFile(join(folder, name));
  const values = new Float32Array(Uint8Array.from(bytes).buffer);
  return tf.tensor4d(values, [1, inputs.height, inputs.width, 3]);
}
