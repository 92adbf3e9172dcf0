/**
 * How long whole pictures take with each preset at each size, in steps of a peer that paints on the same machine:
 *
 *     npm run bench:presets -- --presets draft,balanced --sizes 256,512 --peer pytorch --json
 *
 * Every picture is painted in a process of its own, targets and all, with the sample pictures. A peer's step is that of
 * bench/engine, with the source's layers down to block5_conv4, at the picture's own width and height.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { readConfig } from "../../src/config.ts";
import { PRESETS } from "../../src/contract/presets.ts";
import type { Size } from "../../src/pictures/picture-size.ts";
import { ROOT } from "../../src/root.ts";
import { findWeights } from "../../workers/engine/weights/find-weights.ts";
import { engineEnvironment } from "../../workers/engine-process/engine-environment.ts";
import { JsonProcess } from "../engine/json-process.ts";
import { installPytorch } from "../engine/peers/install-pytorch.ts";
import { writeStepInputs } from "../engine/step-inputs.ts";
import { median } from "../statistics.ts";

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "256,512" },
    presets: { type: "string", default: Object.keys(PRESETS).join(",") },
    peer: { type: "string" },
    "peer-steps": { type: "string", default: "5" },
    json: { type: "boolean", default: false },
  },
});
if (flags.peer !== undefined && flags.peer !== "pytorch") {
  throw new Error(`--peer: expected pytorch, received ${flags.peer}`);
}

interface Painted extends Size {
  seconds: number;
  peak_mib: number;
}

const run = promisify(execFile);
const weights = findWeights(ROOT, readConfig().vgg19Weights ?? undefined);
const peers = new Map<string, { seconds: number; peakMib: number }>();
const rows = [];
for (const size of flags.sizes.split(",").map(Number)) {
  for (const preset of flags.presets.split(",")) {
    const { width, height, seconds, peak_mib } = await paint(preset, size);
    const peer = flags.peer === undefined ? undefined : await stepOfPeer({ width, height });
    const row = {
      ...{ preset, size, width, height, seconds, peer_steps: peer ? seconds / peer.seconds : null },
      ...{ peak_mib, peer_peak_mib: peer?.peakMib ?? null },
    };
    rows.push(row);
    const inSteps = peer
      ? `, ${(seconds / peer.seconds).toFixed(1)} of the peer's steps of ${peer.seconds.toFixed(2)} s`
      : "";
    const memory = peer ? `, the peer ${peer.peakMib.toFixed(0)} MiB` : "";
    console.log(
      `${preset} at ${width} × ${height}: ${seconds.toFixed(1)} s${inSteps}; peak ${peak_mib.toFixed(0)} MiB${memory}`,
    );
  }
}
if (flags.json) console.log(JSON.stringify({ rows }));

async function paint(preset: string, size: number): Promise<Painted> {
  const script = join(ROOT, "dist/bench/pictures/paint-sample.js");
  const { stdout } = await run(process.execPath, ["--expose-gc", script, preset, String(size)], {
    env: engineEnvironment(process.env),
  });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Painted;
}

/** The median of some steps, after one to warm up. */
async function stepOfPeer(size: Size): Promise<{ seconds: number; peakMib: number }> {
  const key = `${size.width}x${size.height}`;
  const known = peers.get(key);
  if (known !== undefined) return known;
  const folder = await mkdtemp(join(tmpdir(), "nst-bench-"));
  try {
    await writeStepInputs(folder, size, weights, false);
    const script = join(ROOT, "bench/engine/peers/pytorch_step.py");
    const peer = new JsonProcess(await installPytorch(), [script, folder]);
    await peer.request("step");
    const times: number[] = [];
    for (let step = 0; step < Number(flags["peer-steps"]); step += 1) {
      times.push((await peer.request("step")).milliseconds);
    }
    const measured = { seconds: median(times) / 1000, peakMib: await peer.peakMib() };
    await peer.stop();
    peers.set(key, measured);
    return measured;
  } finally {
    await rm(folder, { recursive: true });
  }
}
