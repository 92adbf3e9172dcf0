/**
 * Measures the share of a run that the engine spends on checkpoints:
 *
 *     npm run bench:checkpoints -- --sizes 256,512,1024 --seconds 60 --json
 *
 * It uses the real network, the preset `balanced` and the worker's checkpoint schedule. It measures from the end of a step
 * to the engine's checkpoint event, without the worker's flush to disk.
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { resolveOptions } from "../../src/contract/presets.ts";
import { ROOT } from "../../src/root.ts";
import { EngineProcess } from "../../workers/engine-process/engine-process.ts";
import { CheckpointSchedule } from "../../workers/job/checkpoint-schedule.ts";
import { sampleRaster } from "../sample-pictures.ts";

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "256,512,1024" },
    seconds: { type: "string", default: "60" },
    interval: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
  },
});
const seconds = Number(flags.seconds);
const folder = await mkdtemp(join(tmpdir(), "nst-checkpoints-"));
const engine = new EngineProcess({
  script: join(ROOT, "dist/workers/engine/main.js"),
  arguments: [ROOT, "", ""],
  environment: process.env,
});
engine.start();
try {
  const { type } = await engine.whenReady();
  if (type !== "ready") throw new Error("The engine did not start. Run npm run setup.");
  const sizes: Record<string, unknown>[] = [];
  for (const size of flags.sizes.split(",").map(Number)) {
    const figures = await measure(size);
    sizes.push(figures);
    console.log(
      `${size}²: ${figures.checkpoints} checkpoints of ${figures.mebibytes} MiB, ${figures.cost_ms} ms each, ` +
        `${(100 * figures.share).toFixed(2)} % of ${figures.seconds} s and ${figures.steps} steps`,
    );
  }
  if (flags.json) console.log(JSON.stringify({ interval_seconds: Number(flags.interval), sizes }));
} finally {
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
}

async function measure(size: number) {
  const options = resolveOptions(
    { preset: "balanced", size, steps: 20_000, scales: 1, preview_interval: 0 },
    1,
  );
  const pictures = {
    content: await sampleRaster("content", size),
    styles: [await sampleRaster("style", size)],
  };
  let count = 0;
  const schedule = new CheckpointSchedule(1_000 * Number(flags.interval), () =>
    engine.requestCheckpoint(join(folder, `${size}-${count++}`)),
  );
  const costs: number[] = [];
  let bytes = 0;
  let [started, stepEnded, steps] = [0, 0, 0];
  const painting = engine.paint({ pictures, options, options_version: 0, checkpoint: null }, (event) => {
    if (event.type === "progress") {
      stepEnded = performance.now();
      // Time starts at the first step: the targets and the kernels' warm-up are not part of it.
      started ||= stepEnded;
      steps += 1;
      schedule.onStep();
      if (stepEnded - started > 1_000 * seconds) engine.cancel();
    } else if (event.type === "checkpoint") {
      costs.push(performance.now() - stepEnded);
      schedule.onCheckpoint();
      void stat(event.path).then(({ size: written }) => {
        bytes = Math.max(bytes, written);
        return rm(event.path);
      });
    }
  });
  schedule.start();
  await painting;
  schedule.stop();
  const total = costs.reduce((sum, cost) => sum + cost, 0);
  const elapsed = stepEnded - started;
  return {
    ...{ size, steps, checkpoints: costs.length, mebibytes: Math.round(bytes / 2 ** 20) },
    ...{
      cost_ms: Math.round(total / costs.length),
      seconds: Math.round(elapsed / 1000),
      share: total / elapsed,
    },
  };
}
