/**
 * Times a step of the engine (forward, loss, gradient) beside PyTorch's, alternately, in one run:
 *
 *     npm run bench:engine -- --sizes 256,512,1024 --peer pytorch --json
 *
 * First both must compute the same loss and gradient. The peer lives in an environment of its own in the cache.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readConfig } from "../src/config.ts";
import type { LayerWeights } from "../src/contract/network.ts";
import { PRESETS } from "../src/contract/presets.ts";
import { ROOT } from "../src/root.ts";
import { loadWeights } from "../workers/engine/weights/load.ts";
import { locateWeights } from "../workers/engine/weights/locate.ts";
import { engineEnvironment } from "../workers/engine-environment.ts";
import type { Plan } from "./engine-plan.ts";
import { LineProcess } from "./line-process.ts";
import { installPytorch } from "./peers/pytorch.ts";
import { samplePicture } from "./sample-picture.ts";
import { median, spread } from "./statistics.ts";

const AGREEMENT = 1e-3;

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "256,512,1024" },
    peer: { type: "string", default: "pytorch" },
    rounds: { type: "string", default: "7" },
    json: { type: "boolean", default: false },
  },
});
if (flags.peer !== "pytorch" && flags.peer !== "pytorch-compile") {
  throw new Error(`--peer: expected pytorch or pytorch-compile, received ${flags.peer}`);
}

const compile = flags.peer === "pytorch-compile";
const python = await installPytorch();
const weightsLocation = locateWeights(ROOT, readConfig().vgg19Weights ?? undefined);
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
    await writeInputs(folder, size);
    const ours = new LineProcess(
      process.execPath,
      ["--expose-gc", join(ROOT, "dist/bench/engine-step.js"), folder],
      engineEnvironment(process.env),
    );
    const peer = new LineProcess(python, [join(ROOT, "bench/peers/pytorch_step.py"), folder]);
    const [first, peerFirst] = [await ours.ask("result"), await peer.ask("result")];
    await assertAgreement(folder, first.loss, peerFirst.loss);
    const times: [number, number][] = [];
    for (let round = 0; round < Number(flags.rounds); round += 1) {
      times.push([(await ours.ask("step")).milliseconds, (await peer.ask("step")).milliseconds]);
    }
    const [oursMib, peerMib] = [await ours.peakMib(), await peer.peakMib()];
    await Promise.all([ours.end(), peer.end()]);
    return report(size, times, oursMib, peerMib);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The graph of the preset `classic`: the source's layers and formulas, VGG-19 down to its last convolution. */
async function writeInputs(folder: string, size: number): Promise<void> {
  const { classic } = PRESETS;
  const objective = {
    loss: classic.loss,
    content_weight: classic.content_weight,
    style_weight: classic.style_weight,
    content_layers: classic.content_layers,
    style_layers: classic.style_layers,
    tv_weight: 0,
    pooling: classic.pooling,
  };
  const scaled = (layers: LayerWeights, factor: number) =>
    Object.fromEntries(Object.entries(layers).map(([layer, weight]) => [layer, weight * factor]));
  const weights = await loadWeights(weightsLocation);
  const plan: Plan = {
    width: size,
    height: size,
    threads: availableParallelism(),
    weights: weightsLocation,
    layers: Object.entries(weights).map(([name, { inputs, outputs }]) => ({ name, inputs, outputs })),
    objective,
    content_layers: scaled(objective.content_layers, objective.content_weight),
    style_layers: scaled(objective.style_layers, objective.style_weight),
    compile,
  };
  await writeFile(join(folder, "plan.json"), JSON.stringify(plan));
  for (const [name, { kernel, bias }] of Object.entries(weights)) {
    await writeFile(join(folder, `${name}.kernel`), kernel);
    await writeFile(join(folder, `${name}.bias`), bias);
  }
  const [content, style] = [await samplePicture("content", size), await samplePicture("style", size)];
  await writeFile(join(folder, "content"), content);
  await writeFile(join(folder, "style"), style);
  const halfway = content.map((value, index) => 0.7 * value + 0.3 * (style[index] ?? 0));
  await writeFile(join(folder, "image"), halfway);
}

async function assertAgreement(folder: string, loss: number, peerLoss: number): Promise<void> {
  const [ours, peer] = [
    await floats(join(folder, "ours.gradient")),
    await floats(join(folder, "peer.gradient")),
  ];
  let [difference, norm] = [0, 0];
  for (const [index, value] of peer.entries()) {
    difference += ((ours[index] ?? Number.NaN) - value) ** 2;
    norm += value ** 2;
  }
  const gradientError = Math.sqrt(difference / norm);
  const lossError = Math.abs(loss - peerLoss) / peerLoss;
  console.log(
    `  same result: loss within ${lossError.toExponential(1)}, gradient within ${gradientError.toExponential(1)}`,
  );
  if (!(lossError <= AGREEMENT && gradientError <= AGREEMENT)) {
    throw new Error(`expected both sides to agree within ${AGREEMENT}`);
  }
}

async function floats(path: string): Promise<Float32Array> {
  return new Float32Array(Uint8Array.from(await readFile(path)).buffer);
}

function report(size: number, times: [number, number][], oursMib: number, peerMib: number) {
  const [ours, peer] = [times.map(([time]) => time), times.map(([, time]) => time)];
  const ratio = median(times.map(([time, peerTime]) => peerTime / time));
  console.log(`${size} × ${size}`);
  console.log(`  ours       ${spread(ours)}, peak ${oursMib.toFixed(0)} MiB`);
  console.log(`  ${flags.peer.padEnd(10)} ${spread(peer)}, peak ${peerMib.toFixed(0)} MiB`);
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
