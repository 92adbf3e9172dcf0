/**
 * Peak memory and time of a step by size, with the shallow blocks computed strip by strip (`on`), whole (`off`), and as
 * the engine chooses (`auto`):
 *
 *     npm run bench:memory -- --sizes 512,1024,2048,3072 --json
 *
 * Times per pixel are those of the processors, which other programs disturb less than the clock's. Where a size was
 * computed whole first, the gradient in strips is compared with that.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { readConfig } from "../../src/config.ts";
import { PRESETS } from "../../src/contract/presets.ts";
import { ROOT } from "../../src/root.ts";
import { estimateBytes } from "../../workers/engine/memory-plan.ts";
import { locateWeights } from "../../workers/engine/weights/locate.ts";
import { engineEnvironment } from "../../workers/engine-process/engine-environment.ts";
import { gradientDistance } from "./gradient-files.ts";

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
const folder = await mkdtemp(join(tmpdir(), "nst-memory-"));
const row = (cells: unknown[]) =>
  cells.map((cell, index) => String(cell).padEnd([6, 6, 7, 10, 10, 9, 14, 10][index] ?? 0)).join("");
console.log(
  row(["size", "mode", "rows", "peak MiB", "estimate", "ms/step", "processor ms", "per pixel", "gradient"]),
);
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
await rm(folder, { recursive: true });
if (flags.json) {
  console.log(JSON.stringify({ rows }));
}

async function measure(size: number, mode: string) {
  const script = join(ROOT, "dist/bench/engine/memory-step.js");
  const gradient = join(folder, `${size}-${mode}`);
  const parameters = [
    ...["--expose-gc", script, "--weights", weights, "--gradient", gradient],
    ...["--size", String(size), "--mode", mode],
  ];
  const { stdout } = await run(process.execPath, parameters, { env: engineEnvironment(process.env) });
  const { milliseconds, processor, stripRows, peak } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as {
    milliseconds: number;
    processor: number;
    stripRows: number | null;
    peak: number;
  };
  const perPixel = processor / size ** 2;
  reference ??= perPixel;
  const estimate = estimateBytes(size, size, PRESETS.balanced, stripRows ?? Number.POSITIVE_INFINITY) / MIB;
  const whole = join(folder, `${size}-off`);
  const difference = stripRows !== null && existsSync(whole) ? await gradientDistance(gradient, whole) : null;
  console.log(
    row([
      ...[size, mode, stripRows ?? "–", peak.toFixed(0), estimate.toFixed(0), milliseconds.toFixed(0)],
      ...[processor.toFixed(0), (perPixel / reference).toFixed(2), difference?.toExponential(1) ?? "–"],
    ]),
  );
  return {
    ...{ size, mode, strip_rows: stripRows, peak_mib: peak, ms_per_step: milliseconds },
    ...{ processor_ms_per_step: processor, gradient_difference: difference },
  };
}
