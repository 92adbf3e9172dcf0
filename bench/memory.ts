/**
 * Peak memory and time of a step by size, with the shallow blocks computed strip by strip (`on`), whole (`off`), and as
 * the engine chooses (`auto`):
 *
 *     npm run bench:memory -- --sizes 512,1024,2048,3072 --json
 */
import { execFile } from "node:child_process";
import { totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { readConfig } from "../src/config.ts";
import { PRESETS } from "../src/contract/presets.ts";
import { ROOT } from "../src/root.ts";
import { estimateBytes } from "../workers/engine/memory-plan.ts";
import { locateWeights } from "../workers/engine/weights/locate.ts";
import { engineEnvironment } from "../workers/engine-environment.ts";

const run = promisify(execFile);
const MIB = 2 ** 20;

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "512,1024,2048,3072" },
    modes: { type: "string", default: "off,on,auto" },
    json: { type: "boolean", default: false },
  },
});
const weights = locateWeights(ROOT, readConfig().vgg19Weights ?? undefined);
const rows = [];
let reference: number | undefined;
console.log("size   mode   strip rows   peak MiB   estimate   ms/step   time per pixel, of the first row's");
for (const size of flags.sizes.split(",").map(Number)) {
  for (const mode of flags.modes.split(",")) {
    if (
      mode === "off" &&
      estimateBytes(size, size, PRESETS.balanced, Number.POSITIVE_INFINITY) > 0.8 * totalmem()
    ) {
      console.log(`${String(size).padEnd(6)} ${mode.padEnd(6)} does not fit into this machine's memory`);
      continue;
    }
    rows.push(await measure(size, mode));
  }
}
if (flags.json) {
  console.log(JSON.stringify({ rows }));
}

async function measure(size: number, mode: string) {
  const script = join(ROOT, "dist/bench/memory-step.js");
  const parameters = ["--expose-gc", script, "--weights", weights, "--size", String(size), "--mode", mode];
  const { stdout } = await run(process.execPath, parameters, { env: engineEnvironment(process.env) });
  const { milliseconds, stripRows, peak } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as {
    milliseconds: number;
    stripRows: number | null;
    peak: number;
  };
  const perPixel = milliseconds / size ** 2;
  reference ??= perPixel;
  const estimate = estimateBytes(size, size, PRESETS.balanced, stripRows ?? Number.POSITIVE_INFINITY) / MIB;
  const cells = [
    String(size).padEnd(6),
    mode.padEnd(6),
    String(stripRows ?? "–").padEnd(12),
    peak.toFixed(0).padEnd(10),
    estimate.toFixed(0).padEnd(10),
    milliseconds.toFixed(0).padEnd(9),
    (perPixel / reference).toFixed(2),
  ];
  console.log(cells.join(" "));
  return { size, mode, peak_mib: peak, ms_per_step: milliseconds };
}
