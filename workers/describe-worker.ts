import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { WorkerDescription } from "../src/jobs/scheduling/worker-registry.ts";
import { ROOT } from "../src/root.ts";
import type { EngineProcess, EngineState } from "./engine-process/engine-process.ts";
import { residentBytes } from "./engine-process/resident-bytes.ts";
import type { JobWorker } from "./job-worker.ts";
import type { ThroughputEstimator } from "./throughput-estimator.ts";

interface WorkerParts {
  id: string;
  engine: EngineProcess;
  worker: JobWorker;
  throughput: ThroughputEstimator;
  /** Longest edge that the settings allow, in pixels. */
  maximumSize: number;
}

/** Returns a function that describes the worker as it is at the time of the call. */
export async function workerDescriber({
  id,
  engine,
  worker,
  throughput,
  maximumSize,
}: WorkerParts): Promise<() => WorkerDescription> {
  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { version: string };
  const identity = {
    ...{ id, version, host: hostname(), pid: process.pid },
    started_at: new Date().toISOString(),
  };
  return () => ({
    ...identity,
    ...readiness(engine.state),
    largest_size: largestSize(engine.state, maximumSize),
    seconds_per_cost: throughput.secondsPerCost,
    free_in_seconds: throughput.secondsUntilFree,
    step_ms: throughput.stepMs,
    engine_resident_bytes: residentBytes(engine.pid),
    job: worker.job,
  });
}

/** The longest edge that both the engine's memory and the settings allow; 0 without an engine. */
export function largestSize(state: EngineState, maximumSize: number): number {
  return state.type === "ready" ? Math.min(state.largest_size, maximumSize) : 0;
}

function readiness(state: EngineState): Pick<WorkerDescription, "ready" | "reason" | "engine"> {
  if (state.type === "ready") return { ready: true, reason: null, engine: state.engine };
  const { code, message } =
    state.type === "not_ready" ? state : { code: "engine_unavailable", message: "The engine is starting" };
  return { ready: false, reason: { code, message }, engine: null };
}
