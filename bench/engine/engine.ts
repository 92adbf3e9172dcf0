/**
 * Compares the engine's step (forward, loss, gradient) with PyTorch's, in alternating rounds:
 *
 *     npm run bench:engine -- --sizes 256,512,1024 --peer pytorch --json
 *
 * It first checks that both compute the same loss and gradient. PyTorch is installed in the cache on first use.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readConfig } from "../../src/config.ts";
import { ROOT } from "../../src/root.ts";
import { findWeights } from "../../workers/engine/weights/find-weights.ts";
import { engineEnvironment } from "../../workers/engine-process/engine-environment.ts";
import { formatDurations, median } from "../statistics.ts";
import { checkResults } from "./check-results.ts";
import { JsonProcess } from "./json-process.ts";
import { installPytorch } from "./peers/install-pytorch.ts";
import { writeStepInputs } from "./step-inputs.ts";

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "256,512,1024" },
    peer: { type: "string", default: "pytorch" },
    rounds: { type: "string", default: "7" },
    float64: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
if (flags.peer !== "pytorch" && flags.peer !== "pytorch-compile") {
  throw new Error(`--peer: expected pytorch or pytorch-compile, received ${flags.peer}`);
}

const compile = flags.peer === "pytorch-compile";
const python = await installPytorch();
const weightsLocation = findWeights(ROOT, readConfig().vgg19Weights ?? undefined);
const rows = [];
for (const size of flags.sizes.split(",").map(Number)) {
  rows.push(await compare(size));
}
if (flags.json) {
  console.log(JSON.stringify({ sizes: rows }));
}

async function compare(size: number) {
  const folder = await mkdtemp(join(tmpdir(), "nst-bench-"));
  try {
    await writeStepInputs(folder, { width: size, height: size }, weightsLocation, compile);
    const ours = new JsonProcess(
      process.execPath,
      ["--expose-gc", join(ROOT, "dist/bench/engine/step-process.js"), folder],
      engineEnvironment(process.env),
    );
    const script = join(ROOT, "bench/engine/peers/pytorch_step.py");
    const peer = new JsonProcess(python, [script, folder]);
    const losses = { ours: (await ours.request("result")).loss, peer: (await peer.request("result")).loss };
    await checkResults({ folder, losses, python, script, alwaysFloat64: flags.float64 });
    const times: [number, number][] = [];
    for (let round = 0; round < Number(flags.rounds); round += 1) {
      times.push([(await ours.request("step")).milliseconds, (await peer.request("step")).milliseconds]);
    }
    const [oursMib, peerMib] = [await ours.peakMib(), await peer.peakMib()];
    await Promise.all([ours.stop(), peer.stop()]);
    return report(size, times, oursMib, peerMib);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function report(size: number, times: [number, number][], oursMib: number, peerMib: number) {
  const [ours, peer] = [times.map(([time]) => time), times.map(([, time]) => time)];
  const ratio = median(times.map(([time, peerTime]) => peerTime / time));
  console.log(`${size} × ${size}`);
  console.log(`  ours       ${formatDurations(ours)}, peak ${oursMib.toFixed(0)} MiB`);
  console.log(`  ${flags.peer.padEnd(10)} ${formatDurations(peer)}, peak ${peerMib.toFixed(0)} MiB`);
  console.log(`  ${ratio.toFixed(2)} times as fast, ${(oursMib / peerMib).toFixed(2)} of the memory`);
  return {
    size,
    ours_ms: median(ours),
    peer_ms: median(peer),
    speed_ratio: ratio,
    ours_peak_mib: oursMib,
    peer_peak_mib: peerMib,
  };
}
