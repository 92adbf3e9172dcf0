/**
 * Measures how soon each preset's optimiser and schedule reach the final loss of the plain schedule (Adam, one scale, 1,000
 * steps), on the same objective at the same final size:
 *
 *     npm run bench:schedule -- --size 512 --json
 *
 * Also reports the error of the ETA after a quarter of each run.
 */
import { parseArgs } from "node:util";
import { readConfig } from "../../src/config.ts";
import type { Options, PresetName } from "../../src/contract/options.ts";
import { PRESETS, resolveOptions } from "../../src/contract/presets.ts";
import { decodePicture } from "../../src/pictures/decode.ts";
import { contentSize } from "../../src/pictures/picture-size.ts";
import { ROOT } from "../../src/root.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { Painting } from "../../workers/engine/painting.ts";
import { loadWeights } from "../../workers/engine/weights/load.ts";
import { locateWeights } from "../../workers/engine/weights/locate.ts";
import { samplePath } from "../sample-pictures.ts";

interface Run {
  name: string;
  /** Losses at the final size. */
  points: { seconds: number; loss: number }[];
  etaError: number;
}

const { values: flags } = parseArgs({
  options: {
    size: { type: "string", default: "512" },
    "plain-steps": { type: "string", default: "1000" },
    presets: { type: "string", default: Object.keys(PRESETS).join(",") },
    json: { type: "boolean", default: false },
  },
});
const size = Number(flags.size);

/** All runs use the default preset's objective. */
const objective = { ...PRESETS.balanced, preset: "balanced", size, seed: 1, preview_interval: 0 } as const;
const plainOptions: Options = {
  ...objective,
  optimizer: "adam",
  learning_rate: 0.02,
  steps: Number(flags["plain-steps"]),
  scales: 1,
};

const network = new Vgg19(
  await loadWeights(locateWeights(ROOT, readConfig().vgg19Weights ?? undefined)),
  chooseKernels(),
);
network.warmUp("block5_conv1");
const content = await decode(samplePath("content"));
const style = await decode(samplePath("style"));

const names = (flags.presets.split(",") as PresetName[]).filter((name) => !isPlain(PRESETS[name]));
const runs = names.map((name) => {
  const { optimizer, learning_rate, steps, scales } = resolveOptions({ preset: name, size }, 1);
  return run(name, { ...objective, optimizer, learning_rate, steps, scales });
});
const plain = run("plain", plainOptions);
const plainSeconds = plain.points.at(-1)?.seconds ?? Number.NaN;
const plainLoss = plain.points.at(-1)?.loss ?? Number.NaN;
const presets: Record<
  string,
  {
    seconds_to_plain_loss: number | null;
    time_ratio: number | null;
    final_loss_ratio: number;
    eta_error: number;
  }
> = {};
for (const { name, points, etaError } of runs) {
  const reached = points.find((point) => point.loss <= plainLoss)?.seconds ?? null;
  const ratio = (points.at(-1)?.loss ?? Number.NaN) / plainLoss;
  presets[name] = {
    seconds_to_plain_loss: reached,
    time_ratio: reached === null ? null : reached / plainSeconds,
    final_loss_ratio: ratio,
    eta_error: etaError,
  };
  console.log(
    `${name}: ${reached === null ? "does not reach" : `after ${reached.toFixed(1)} s reaches`} the plain loss, ends at ${ratio.toFixed(3)} of it`,
  );
}
if (flags.json) {
  console.log(JSON.stringify({ plain_s: plainSeconds, presets }));
}

function decode(path: string) {
  return decodePicture(path, (picture) => contentSize(picture, size), readConfig().limits);
}

/** The schedule of `classic` is the plain one. */
function isPlain({ optimizer, scales, steps }: Pick<Options, "optimizer" | "scales" | "steps">): boolean {
  return optimizer === "adam" && scales === 1 && steps === plainOptions.steps;
}

/** Runs all steps and records time and loss at the final size, and the error of the ETA after a quarter of the time. */
function run(name: string, options: Options): Run {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const painting = new Painting(network, options, { content, styles: [style] }, null);
  const points: Run["points"] = [];
  const etas: { seconds: number; eta: number }[] = [];
  while (!painting.isDone) {
    painting.step();
    const { scale, loss, eta_seconds } = painting.progress();
    etas.push({ seconds: seconds(), eta: eta_seconds ?? Number.NaN });
    if (scale.index === scale.count - 1 && loss !== null) {
      points.push({ seconds: seconds(), loss: loss.total });
      if (points.length % 50 === 0) {
        console.log(
          `${name}: ${loss.total.toFixed(4)} after ${points.length} steps at the final size, ${seconds().toFixed(1)} s`,
        );
      }
    }
  }
  const total = seconds();
  painting.dispose();
  const quarter = etas.find((at) => at.seconds >= total / 4);
  const etaError = quarter === undefined ? Number.NaN : quarter.eta / (total - quarter.seconds) - 1;
  console.log(
    `${name}: ${total.toFixed(1)} s, ETA after a quarter wrong by ${(etaError * 100).toFixed(0)} %`,
  );
  return { name, points, etaError };
}
