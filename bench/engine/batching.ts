/**
 * What evaluating several small paintings together wins: steps of so many paintings in turn against the same steps
 * together, alternately, with all that a step is (L-BFGS, the default preset).
 *
 *     npm run bench:batching -- --sizes 96,128,192,256 --count 4 --json
 *
 * Ratios are medians over the rounds, of time by the clock and of the processors' time, which other programs disturb less.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { readConfig } from "../../src/config.ts";
import { ROOT } from "../../src/root.ts";
import { locateWeights } from "../../workers/engine/weights/locate.ts";
import { engineEnvironment } from "../../workers/engine-process/engine-environment.ts";

interface Row {
  in_turn_processor_ms: number;
  together_processor_ms: number;
  processor_ratio: number;
  wall_ratio: number;
  same_pictures: boolean;
}

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "96,128,192,256" },
    count: { type: "string", default: "4" },
    rounds: { type: "string", default: "20" },
    json: { type: "boolean", default: false },
  },
});
const weights = locateWeights(ROOT, readConfig().vgg19Weights ?? undefined);
const rows = [];
for (const size of flags.sizes.split(",").map(Number)) {
  const row = await measure(size);
  rows.push({ size, count: Number(flags.count), ...row });
  console.log(
    `${flags.count} × ${size}²: ${row.in_turn_processor_ms.toFixed(0)} ms of the processors in turn, ${row.together_processor_ms.toFixed(0)} ms together: ` +
      `${row.processor_ratio.toFixed(2)} times as fast, ${row.wall_ratio.toFixed(2)} by the clock; ${row.same_pictures ? "the same" : "other"} pictures`,
  );
}
if (flags.json) console.log(JSON.stringify({ batching: rows }));

async function measure(size: number): Promise<Row> {
  const parameters = ["--weights", weights, "--size", String(size), "--count", flags.count];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      "--expose-gc",
      join(ROOT, "dist/bench/engine/batching-step.js"),
      ...parameters,
      "--rounds",
      flags.rounds,
    ],
    { env: engineEnvironment(process.env) },
  );
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Row;
}
