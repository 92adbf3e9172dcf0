/** One row of bench/engine/batching.ts, in a process of its own: paintings stepped in turn, and the same ones together. */
import { parseArgs } from "node:util";
import { optionsSchema } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { evaluateTogether } from "../../workers/engine/objective/evaluate-together.ts";
import type { Evaluation } from "../../workers/engine/objective/objective.ts";
import { Painting } from "../../workers/engine/painting.ts";
import { tf } from "../../workers/engine/tensorflow.ts";
import { loadWeights } from "../../workers/engine/weights/load.ts";
import { sampleRaster } from "../sample-picture.ts";
import { median } from "../statistics.ts";

/** Not measured: the first steps set memory aside. */
const WARM_UP = 2;

const { values: flags } = parseArgs({
  options: {
    weights: { type: "string", default: "" },
    size: { type: "string", default: "96" },
    count: { type: "string", default: "4" },
    rounds: { type: "string", default: "12" },
  },
});
const [size, count, rounds] = [Number(flags.size), Number(flags.count), Number(flags.rounds)];
const network = new Vgg19(await loadWeights(flags.weights), chooseKernels());
network.warmUp("block5_conv1");
const pictures = {
  content: await sampleRaster("content", size),
  styles: [await sampleRaster("style", size)],
};
const [inTurn, together] = [paintings(), paintings()];

const ratios: { wall: number; processor: number }[] = [];
const times: { inTurn: number; together: number }[] = [];
for (let round = 0; round < WARM_UP + rounds; round += 1) {
  // Alternately, so that a change of load touches both.
  const [a, b] = [measure(() => stepInTurn(inTurn)), measure(() => stepTogether(together))];
  if (round < WARM_UP) continue;
  ratios.push({ wall: a.wall / b.wall, processor: a.processor / b.processor });
  times.push({ inTurn: a.processor, together: b.processor });
}
const isSame = inTurn.every((one, index) =>
  Buffer.from(one.picture().data).equals(together[index]?.picture().data as Uint8Array),
);
console.log(
  JSON.stringify({
    in_turn_processor_ms: median(times.map((time) => time.inTurn)),
    together_processor_ms: median(times.map((time) => time.together)),
    processor_ratio: median(ratios.map(({ processor }) => processor)),
    wall_ratio: median(ratios.map(({ wall }) => wall)),
    same_pictures: isSame,
  }),
);

function paintings(): Painting[] {
  const steps = WARM_UP + rounds + 1;
  return Array.from({ length: count }, (_, index) => {
    const options = { preset: "balanced", size, steps, scales: 1, style_weight: 1 + index } as const;
    return new Painting(network, optionsSchema.parse(resolveOptions(options, index)), pictures, null);
  });
}

function stepInTurn(some: readonly Painting[]): void {
  for (const painting of some) painting.step();
}

function stepTogether(some: readonly Painting[]): void {
  const questions = some.map((painting) => painting.ask());
  const evaluations = evaluateTogether(questions);
  some.forEach((painting, index) => {
    painting.take(evaluations[index] as Evaluation);
  });
  tf.dispose(questions.map(({ picture }) => picture));
}

function measure(work: () => void): { wall: number; processor: number } {
  const [started, before] = [performance.now(), process.cpuUsage()];
  work();
  const { user, system } = process.cpuUsage(before);
  return { wall: performance.now() - started, processor: (user + system) / 1000 };
}
