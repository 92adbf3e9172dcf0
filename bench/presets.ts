/**
 * How long each preset takes at each size, on this machine:
 *
 *     npm run bench:presets -- --sizes 256,512,1024 --json
 *
 * A few steps and the targets are timed at every scale of the schedules, with the sample pictures, and added up. A
 * whole painting at the first size says how far such a sum is off.
 */
import { parseArgs } from "node:util";
import { readConfig } from "../src/config.ts";
import type { Options, PresetName } from "../src/contract/options.ts";
import { DEFAULT_PRESET, PRESETS } from "../src/contract/presets.ts";
import { decodePicture } from "../src/images/decode.ts";
import { contentSize } from "../src/images/picture-size.ts";
import { ROOT } from "../src/root.ts";
import { availableMemory, describeDevice } from "../workers/engine/device.ts";
import { chooseKernels } from "../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../workers/engine/network/vgg19.ts";
import { Painting } from "../workers/engine/painting.ts";
import { schedule } from "../workers/engine/schedule.ts";
import { loadWeights } from "../workers/engine/weights/load.ts";
import { locateWeights } from "../workers/engine/weights/locate.ts";
import { samplePath } from "./sample-picture.ts";
import { median } from "./statistics.ts";

/** The first steps at a size warm it up: memory is found, L-BFGS has no history. */
const WARM_UP = 2;

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "256,512,1024" },
    steps: { type: "string", default: "6" },
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
const timings = new Map<string, { targets: number; step: number }>();
const rows: {
  preset: string;
  size: number;
  width: number;
  height: number;
  steps: number;
  seconds: number;
}[] = [];
for (const preset of Object.keys(PRESETS) as PresetName[]) {
  for (const size of sizes) {
    const options: Options = { ...PRESETS[preset], preset, size, seed: 1, preview_interval: 0 };
    const { width, height } = await decode("content", size);
    let seconds = 0;
    for (const scale of schedule(options, width, height)) {
      const { targets, step } = await time(options, scale.styleSize);
      seconds += (targets + scale.steps * step) / 1000;
    }
    rows.push({ preset, size, width, height, steps: options.steps, seconds: Math.round(seconds * 10) / 10 });
    console.log(`${preset} at ${width} × ${height}: ${options.steps} steps, ${seconds.toFixed(1)} s`);
  }
}
await compareWithWhole();
if (flags.json) {
  console.log(JSON.stringify({ rows }));
}

/** Milliseconds of the targets and of a step at one scale. */
async function time(options: Options, size: number): Promise<{ targets: number; step: number }> {
  const key = JSON.stringify([options.optimizer, options.content_layers, options.style_layers, size]);
  const known = timings.get(key);
  if (known !== undefined) {
    return known;
  }
  const steps = WARM_UP + Number(flags.steps);
  const pictures = [await decode("content", size), await decode("style", size)] as const;
  const started = performance.now();
  const painting = paint({ ...options, scales: 1, steps, size }, pictures);
  const targets = performance.now() - started;
  const milliseconds = [];
  for (let step = 0; step < steps; step += 1) {
    const before = performance.now();
    painting.step();
    milliseconds.push(performance.now() - before);
  }
  painting.dispose();
  const timing = { targets, step: median(milliseconds.slice(WARM_UP)) };
  timings.set(key, timing);
  return timing;
}

async function compareWithWhole(): Promise<void> {
  const [size = 256] = sizes;
  const options: Options = {
    ...PRESETS[DEFAULT_PRESET],
    preset: DEFAULT_PRESET,
    size,
    seed: 1,
    preview_interval: 0,
  };
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
