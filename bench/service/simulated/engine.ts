// A SIMULATED engine with its own GPU: a step is a sleep of the given time, and the result is the unchanged content.
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "../../../src/contract/job.ts";
import type { EngineEvent, EngineRequest, PaintRequest } from "../../../workers/engine/protocol.ts";

const stepMs = Number(process.argv[2]);
/** The file for the times of runs, one JSON object per line. */
const timesFile = process.argv[3] ?? "/dev/null";
const send = (event: EngineEvent) => process.send?.(event);
process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);

const name = `a simulation that sleeps ${stepMs} ms a step`;
const engine = { device: "gpu", name, kernels: "tfjs", tensorflow: "none", memory_mib: 1 } as const;
send({ type: "ready", engine, largest_size: 4096 });

process.on("message", (request: EngineRequest) => {
  if (request.type === "paint") void paint(request);
});

async function paint({ pictures: { content }, options, options_version }: PaintRequest): Promise<void> {
  const started = Date.now();
  const loss = { total: 3, parts: { content: 1, gram: 2 } };
  const scale = { index: 0, count: 1, width: content.width, height: content.height };
  let progress: Progress | null = null;
  for (let step = 1; step <= options.steps; step += 1) {
    await sleep(started + step * stepMs - Date.now());
    const fraction = step / options.steps;
    const eta_seconds = ((options.steps - step) * stepMs) / 1000;
    progress = { step, total_steps: options.steps, fraction, scale, loss, step_ms: stepMs, eta_seconds };
    send({ type: "progress", progress, options_version });
  }
  const run = { pid: process.pid, startedAt: started, endedAt: Date.now() };
  appendFileSync(timesFile, `${JSON.stringify(run)}\n`);
  if (progress) send({ type: "painted", picture: content, pixels: null, progress });
}
