/**
 * Estimates how long each preset takes at each size on this machine, in elapsed time and in CPU time:
 *
 *     npm run bench:presets -- --sizes 256,512,1024 --json
 *
 * It times the targets and a few steps at every scale of the schedule and adds them up. With `--whole` it also runs the
 * default preset completely at the first size, to compare with the estimate.
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
import { samplePath } from "../sample-pictures.ts";
import { median } from "../statistics.ts";

interface Row {
  preset: string;
  size: number;
  width: number;
  height: number;
  steps: number;
  seconds: number;
  cpu_seconds: number;
}

/** Elapsed and CPU time in milliseconds. */
interface Time {
  elapsed: number;
  cpu: number;
}

/** The first steps at a size allocate memory, and L-BFGS has no history yet. */
const WARM_UP_STEPS = 2;

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
const timings = new Map<string, { targets: Time; step: Time }>();
const rows: Row[] = [];
for (const preset of flags.presets.split(",") as PresetName[]) {
  for (const size of sizes) {
    const options = resolveOptions({ preset, size, preview_interval: 0 }, 1);
    const { width, height } = await decode("content", size);
    let [elapsed, cpu] = [0, 0];
    for (const scale of schedule(options, width, height)) {
      const { styleSize, optimizer, learningRate } = scale;
      const { targets, step } = await timeScale(
        { ...options, optimizer, learning_rate: learningRate },
        styleSize,
      );
      elapsed += targets.elapsed + scale.steps * step.elapsed;
      cpu += targets.cpu + scale.steps * step.cpu;
    }
    const { steps } = options;
    rows.push({
      preset,
      size,
      width,
      height,
      steps,
      seconds: elapsed / 1000,
      cpu_seconds: cpu / 1000,
    });
    console.log(
      `${preset} at ${width} × ${height}: ${steps} steps, ${(elapsed / 1000).toFixed(1)} s, ${(cpu / 1000).toFixed(1)} s of CPU time`,
    );
  }
}
if (flags.whole) {
  await compareWithWholeRun();
}
if (flags.json) {
  console.log(JSON.stringify({ rows }));
}

/** Times the computation of the targets and the median step at one scale. */
async function timeScale(options: Options, size: number): Promise<{ targets: Time; step: Time }> {
  const key = JSON.stringify([options.optimizer, options.content_layers, options.style_layers, size]);
  const cached = timings.get(key);
  if (cached !== undefined) return cached;
  const steps = WARM_UP_STEPS + Number(flags.steps);
  const pictures = [await decode("content", size), await decode("style", size)] as const;
  let painting: Painting | undefined;
  const targets = measure(() => {
    painting = paint({ ...options, scales: 1, steps, size }, pictures);
  });
  const times = Array.from({ length: steps }, () => measure(() => painting?.step())).slice(WARM_UP_STEPS);
  painting?.dispose();
  const step = {
    elapsed: median(times.map(({ elapsed }) => elapsed)),
    cpu: median(times.map(({ cpu }) => cpu)),
  };
  const timing = { targets, step };
  timings.set(key, timing);
  return timing;
}

function measure(work: () => void): Time {
  const [started, before] = [performance.now(), process.cpuUsage()];
  work();
  const { user, system } = process.cpuUsage(before);
  return { elapsed: performance.now() - started, cpu: (user + system) / 1000 };
}

async function compareWithWholeRun(): Promise<void> {
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
  const estimate =
    rows.find((row) => row.preset === DEFAULT_PRESET && row.size === size)?.seconds ?? Number.NaN;
  console.log(
    `a complete run of ${DEFAULT_PRESET} at ${size}: ${seconds.toFixed(1)} s, estimated ${estimate.toFixed(1)} s`,
  );
}

function paint(options: Options, [content, style]: readonly [Picture, Picture]): Painting {
  return new Painting(network, options, { content, styles: [style] }, null, memory);
}

type Picture = Awaited<ReturnType<typeof decode>>;

function decode(kind: "content" | "style", size: number) {
  return decodePicture(samplePath(kind), (picture) => contentSize(picture, size), readConfig().limits);
}
