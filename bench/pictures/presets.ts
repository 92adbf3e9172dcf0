/**
 * How long each preset takes at each size, on this machine:
 *
 *     npm run bench:presets -- --sizes 256,512,1024 --json
 *
 * A few steps and the targets are timed at every scale of the schedules, with the sample pictures, and added up, in
 * seconds and in seconds of processor time: other work beside it lengthens the first several times over, the second
 * hardly. With `--whole`, a whole painting at the first size says how far such a sum is off.
 */
import { parseArgs } from "node:util";
import { readConfig } from "../../src/config.ts";
import type { Options, PresetName } from "../../src/contract/options.ts";
import { DEFAULT_PRESET, PRESETS, resolveOptions } from "../../src/contract/presets.ts";
import { decodePicture } from "../../src/pictures/decode.ts";
import { contentSize } from "../../src/pictures/picture-size.ts";
import { ROOT } from "../../src/root.ts";
import { availableMemory, describeDevice } from "../../workers/engine/device.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { Painting } from "../../workers/engine/painting.ts";
import { schedule } from "../../workers/engine/schedule.ts";
import { loadWeights } from "../../workers/engine/weights/load.ts";
import { locateWeights } from "../../workers/engine/weights/locate.ts";
import { samplePath } from "../sample-picture.ts";
import { median } from "../statistics.ts";

interface Row {
  preset: string;
  size: number;
  width: number;
  height: number;
  steps: number;
  seconds: number;
  processor_seconds: number;
}

/** Milliseconds. */
interface Spent {
  wall: number;
  processor: number;
}

/** The first steps at a size warm it up: memory is found, L-BFGS has no history. */
const WARM_UP = 2;

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "256,512,1024" },
    presets: { type: "string", default: Object.keys(PRESETS).join(",") },
    steps: { type: "string", default: "6" },
    whole: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const sizes = flags.sizes.split(",").map(Number);

const kernels = chooseKernels();
const network = new Vgg19(
  await loadWeights(locateWeights(ROOT, readConfig().vgg19Weights ?? undefined)),
  kernels,
);
network.warmUp("block5_conv4");
const memory = availableMemory(describeDevice(kernels));
const timings = new Map<string, { targets: Spent; step: Spent }>();
const rows: Row[] = [];
for (const preset of flags.presets.split(",") as PresetName[]) {
  for (const size of sizes) {
    const options = resolveOptions({ preset, size, preview_interval: 0 }, 1);
    const { width, height } = await decode("content", size);
    let [wall, processor] = [0, 0];
    for (const scale of schedule(options, width, height)) {
      const { styleSize, optimizer, learningRate } = scale;
      const { targets, step } = await time({ ...options, optimizer, learning_rate: learningRate }, styleSize);
      wall += targets.wall + scale.steps * step.wall;
      processor += targets.processor + scale.steps * step.processor;
    }
    const { steps } = options;
    rows.push({
      preset,
      size,
      width,
      height,
      steps,
      seconds: wall / 1000,
      processor_seconds: processor / 1000,
    });
    console.log(
      `${preset} at ${width} × ${height}: ${steps} steps, ${(wall / 1000).toFixed(1)} s, ${(processor / 1000).toFixed(1)} s of processor time`,
    );
  }
}
if (flags.whole) {
  await compareWithWhole();
}
if (flags.json) {
  console.log(JSON.stringify({ rows }));
}

/** What the targets and a step at one scale take. */
async function time(options: Options, size: number): Promise<{ targets: Spent; step: Spent }> {
  const key = JSON.stringify([options.optimizer, options.content_layers, options.style_layers, size]);
  const known = timings.get(key);
  if (known !== undefined) {
    return known;
  }
  const steps = WARM_UP + Number(flags.steps);
  const pictures = [await decode("content", size), await decode("style", size)] as const;
  let painting: Painting | undefined;
  const targets = measure(() => {
    painting = paint({ ...options, scales: 1, steps, size }, pictures);
  });
  const spent = Array.from({ length: steps }, () => measure(() => painting?.step())).slice(WARM_UP);
  painting?.dispose();
  const step = {
    wall: median(spent.map(({ wall }) => wall)),
    processor: median(spent.map(({ processor }) => processor)),
  };
  const timing = { targets, step };
  timings.set(key, timing);
  return timing;
}

function measure(work: () => void): Spent {
  const [started, before] = [performance.now(), process.cpuUsage()];
  work();
  const { user, system } = process.cpuUsage(before);
  return { wall: performance.now() - started, processor: (user + system) / 1000 };
}

async function compareWithWhole(): Promise<void> {
  const [size = 256] = sizes;
  const options = resolveOptions({ size, preview_interval: 0 }, 1);
  const pictures = [await decode("content", size), await decode("style", size)] as const;
  const started = performance.now();
  const painting = paint(options, pictures);
  while (!painting.isDone) {
    painting.step();
  }
  const seconds = (performance.now() - started) / 1000;
  painting.dispose();
  const told = rows.find((row) => row.preset === DEFAULT_PRESET && row.size === size)?.seconds ?? Number.NaN;
  console.log(
    `a whole ${DEFAULT_PRESET} at ${size}: ${seconds.toFixed(1)} s, the sum says ${told.toFixed(1)} s`,
  );
}

function paint(options: Options, [content, style]: readonly [Picture, Picture]): Painting {
  return new Painting(network, options, { content, styles: [style] }, null, memory);
}

type Picture = Awaited<ReturnType<typeof decode>>;

function decode(kind: "content" | "style", size: number) {
  return decodePicture(samplePath(kind), (picture) => contentSize(picture, size), readConfig().limits);
}
