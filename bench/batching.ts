/**
 * What several small jobs in one step could win at most: a step at twice the edges does the work of four pictures, with
 * the same kernels and four times the tiles at every layer, as four pictures in one batch would.
 *
 *     npm run bench:batching -- --sizes 96,128,256 --json
 */
import { parseArgs } from "node:util";
import { readConfig } from "../src/config.ts";
import { PRESETS } from "../src/contract/presets.ts";
import { ROOT } from "../src/root.ts";
import { chooseKernels } from "../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../workers/engine/network/vgg19.ts";
import { Objective } from "../workers/engine/objective/objective.ts";
import { type Tensor4D, tf } from "../workers/engine/tensorflow.ts";
import { loadWeights } from "../workers/engine/weights/load.ts";
import { locateWeights } from "../workers/engine/weights/locate.ts";
import { samplePicture } from "./sample-picture.ts";
import { median } from "./statistics.ts";

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "96,128,256" },
    rounds: { type: "string", default: "12" },
    json: { type: "boolean", default: false },
  },
});

const network = new Vgg19(
  await loadWeights(locateWeights(ROOT, readConfig().vgg19Weights ?? undefined)),
  chooseKernels(),
);
network.warmUp("block5_conv1");
const results = [];
for (const size of flags.sizes.split(",").map(Number)) {
  const [small, large] = [await stepAt(size), await stepAt(2 * size)];
  const times: [number[], number[]] = [[], []];
  // In turn, so that a change of load touches both.
  for (let round = 0; round < Number(flags.rounds); round += 1) {
    let four = 0;
    for (let one = 0; one < 4; one += 1) four += small.step();
    times[0].push(four);
    times[1].push(large.step());
  }
  const [four, batched] = [median(times[0]), median(times[1])];
  small.dispose();
  large.dispose();
  results.push({ size, four_ms: Math.round(four), batched_ms: Math.round(batched), ratio: four / batched });
  console.log(
    `four steps at ${size}²: ${four.toFixed(0)} ms; one of the same work: ${batched.toFixed(0)} ms; at most ${(four / batched).toFixed(2)} times as fast`,
  );
}
if (flags.json) console.log(JSON.stringify({ batching: results }));

async function stepAt(size: number) {
  const picture = async (kind: "content" | "style") =>
    tf.tensor4d(await samplePicture(kind, size), [1, size, size, 3]);
  const [content, style] = [await picture("content"), await picture("style")];
  const regions = [{ styles: [{ picture: style, weight: 1 }], weight: 1 }];
  const objective = new Objective(network, PRESETS.balanced, { content, regions });
  const step = () => {
    const started = performance.now();
    objective.evaluate(content as Tensor4D).gradient.dispose();
    return performance.now() - started;
  };
  step();
  return {
    step,
    dispose: () => {
      objective.dispose();
      tf.dispose([content, style]);
    },
  };
}
