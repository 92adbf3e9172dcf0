/** One measurement of bench/engine/memory.ts, in its own process: steps of the default preset at one size. */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { PRESETS } from "../../src/contract/presets.ts";
import { availableMemory, describeDevice } from "../../workers/engine/device.ts";
import { planStrips } from "../../workers/engine/memory-plan.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { Objective } from "../../workers/engine/objective.ts";
import { Adam } from "../../workers/engine/optimizers/adam.ts";
import { PYRAMID } from "../../workers/engine/optimizers/pyramid.ts";
import { type Tensor4D, tf } from "../../workers/engine/tensorflow.ts";
import { loadWeights } from "../../workers/engine/weights/load.ts";
import { samplePicture } from "../sample-pictures.ts";

const { values: flags } = parseArgs({
  options: {
    weights: { type: "string", default: "" },
    size: { type: "string", default: "512" },
    mode: { type: "string", default: "auto" },
    steps: { type: "string", default: "2" },
    gradient: { type: "string" },
  },
});
const size = Number(flags.size);
const kernels = chooseKernels();
/** `on` uses strips even if the whole picture fits: a quarter of the rows, at most 256. */
const stripRows = {
  off: () => Number.POSITIVE_INFINITY,
  on: () => Math.min(256, Math.ceil(size / 64) * 16),
  auto: () =>
    planStrips(size, size, PRESETS.balanced, availableMemory(describeDevice(kernels)), kernels.name),
}[flags.mode as "off" | "on" | "auto"]();

const network = new Vgg19(await loadWeights(flags.weights), kernels);
network.warmUp("block4_conv3");
const [content, style] = [await loadPicture("content"), await loadPicture("style")];
const objective = new Objective(
  network,
  { ...PRESETS.balanced, seed: 1 },
  { content, regions: [{ styles: [{ picture: style, weight: 1 }], weight: 1 }] },
  "shapes",
  stripRows,
);
style.dispose();
const optimizer = new Adam(content, PYRAMID, PRESETS.balanced.learning_rate);
const first = objective.evaluate(optimizer.picture);
if (flags.gradient !== undefined) {
  await writeFile(flags.gradient, first.gradient.dataSync<"float32">());
}
optimizer.update(first);
const [started, before] = [performance.now(), process.cpuUsage()];
for (let step = 0; step < Number(flags.steps); step += 1) {
  optimizer.update(objective.evaluate(optimizer.picture));
}
const milliseconds = (performance.now() - started) / Number(flags.steps);
const { user, system } = process.cpuUsage(before);
const cpuMilliseconds = (user + system) / 1000 / Number(flags.steps);
const peakMib = process.resourceUsage().maxRSS / 1024;
const rows = Number.isFinite(stripRows) ? stripRows : null;
console.log(JSON.stringify({ milliseconds, cpuMilliseconds, stripRows: rows, peakMib }));

async function loadPicture(kind: "content" | "style"): Promise<Tensor4D> {
  return tf.tensor4d(await samplePicture(kind, size), [1, size, size, 3]);
}
