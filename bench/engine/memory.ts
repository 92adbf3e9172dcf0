/**
 * Measures peak memory and step time by size. The shallow layers are computed in strips (`on`), as a whole (`off`), or as
 * the engine chooses (`auto`):
 *
 *     npm run bench:memory -- --sizes 512,1024,2048,3072 --json
 *
 * "per pixel" is CPU time per pixel relative to the first row, which other programs disturb less than elapsed time. If a
 * size is also computed as a whole, the gradients are compared.
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
import { findWeights } from "../../workers/engine/weights/find-weights.ts";
import { engineEnvironment } from "../../workers/engine-process/engine-environment.ts";
import { gradientDistance } from "./gradient-distance.ts";

const run = promisify(execFile);
const MIB = 2 ** 20;

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "512,1024,2048,3072" },
    modes: { type: "string", default: "off,on,auto" },
    json: { type: "boolean", default: false },
  },
});
const weights = findWeights(ROOT, readConfig().vgg19Weights ?? undefined);
const rows = [];
let referencePerPixel: number | undefined;
const folder = await mkdtemp(join(tmpdir(), "nst-memory-"));
const formatRow = (cells: unknown[]) =>
  cells.map((cell, index) => String(cell).padEnd([6, 6, 7, 10, 10, 9, 14, 10][index] ?? 0)).join("");
console.log(
  formatRow([
    "size",
    "mode",
    "rows",
    "peak MiB",
    "estimate",
    "ms/step",
    "CPU ms/step",
    "per pixel",
    "gradient",
  ]),
);
for (const size of flags.sizes.split(",").map(Number)) {
  for (const mode of flags.modes.split(",")) {
    if (
      mode === "off" &&
      estimateBytes(size, size, PRESETS.balanced, Number.POSITIVE_INFINITY) > 0.8 * totalmem()
    ) {
      console.log(`${String(size).padEnd(6)} ${mode.padEnd(6)} does not fit in memory`);
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
  const script = join(ROOT, "dist/bench/engine/memory-process.js");
  const gradient = join(folder, `${size}-${mode}`);
  const args = [
    ...["--expose-gc", script, "--weights", weights, "--gradient", gradient],
    ...["--size", String(size), "--mode", mode],
  ];
  const { stdout } = await run(process.execPath, args, { env: engineEnvironment(process.env) });
  const { milliseconds, cpuMilliseconds, stripRows, peakMib } = JSON.parse(
    stdout.trim().split("\n").at(-1) ?? "",
  ) as {
    milliseconds: number;
    cpuMilliseconds: number;
    stripRows: number | null;
    peakMib: number;
  };
  const perPixel = cpuMilliseconds / size ** 2;
  referencePerPixel ??= perPixel;
  const estimateMib =
    estimateBytes(size, size, PRESETS.balanced, stripRows ?? Number.POSITIVE_INFINITY) / MIB;
  const whole = join(folder, `${size}-off`);
  const difference = stripRows !== null && existsSync(whole) ? await gradientDistance(gradient, whole) : null;
  console.log(
    formatRow([
      ...[size, mode, stripRows ?? "–", peakMib.toFixed(0), estimateMib.toFixed(0), milliseconds.toFixed(0)],
      ...[cpuMilliseconds.toFixed(0), (perPixel / referencePerPixel).toFixed(2)],
      difference?.toExponential(1) ?? "–",
    ]),
  );
  return {
    ...{ size, mode, strip_rows: stripRows, peak_mib: peakMib, ms_per_step: milliseconds },
    ...{ cpu_ms_per_step: cpuMilliseconds, gradient_difference: difference },
  };
}
