import { parseTraceparent } from "../../src/trace-context.ts";
import { type AttemptContext, type JobOutcome, PermanentJobError } from "./attempt-context.ts";
import { type PaintDeps, paintJob } from "./paint-job.ts";
import { ScratchFolder } from "./scratch-folder.ts";
import { StoreRetry } from "./store-retry.ts";

export interface JobDeps extends PaintDeps {
  /** For files that pass between engine and blob store; ideally on the blob store's file system. */
  scratchDirectory: string;
}

/** Processes a job: loads its inputs, paints them with the engine, and stores the artifacts. */
export async function processJob(deps: JobDeps, attempt: AttemptContext): Promise<JobOutcome> {
  const { record, signal } = attempt;
  const { throughput } = deps;
  const logger = deps.logger.child({
    ...{ job_id: record.id, attempt: record.attempts },
    trace_id: parseTraceparent(record.traceparent)?.traceId,
  });
  const startedAt = performance.now();
  logger.info({ from_step: record.checkpoint?.step ?? 0 }, "job started");
  throughput.onJobStarted(record);
  const outcome = await prepareAndPaint({ ...deps, logger }, attempt).catch((error: unknown): JobOutcome => {
    if (error instanceof PermanentJobError)
      return { type: "failed", code: error.code, message: error.message };
    if (signal.aborted) return { type: "stopped" };
    logger.error({ err: error }, "job interrupted by an error");
    return {
      type: "crashed",
      code: "storage_failed",
      message: "The job's pictures could not be read or stored",
    };
  });
  throughput.onJobEnded();
  const ms = Math.round(performance.now() - startedAt);
  if ("message" in outcome)
    logger.warn({ ms, code: outcome.code }, `job ${outcome.type}: ${outcome.message}`);
  else logger.info({ ms, reason: signal.reason }, `job ${outcome.type}`);
  return outcome;
}

async function prepareAndPaint(deps: JobDeps, attempt: AttemptContext): Promise<JobOutcome> {
  const { signal } = attempt;
  const state = await deps.engine.whenReady(signal);
  // Without an engine the job returns to the queue until a worker has one.
  if (signal.aborted || state.type !== "ready") return { type: "stopped" };
  await attempt.update({ engine: state.engine });
  const storeRetry = new StoreRetry(deps.store, signal, deps.logger);
  // A job does not start if its result could not be stored.
  await storeRetry.waitUntilWritable();
  const scratch = await ScratchFolder.create(deps.scratchDirectory, attempt);
  try {
    return await paintJob(deps, attempt, state.engine, scratch, storeRetry);
  } finally {
    await scratch.remove();
  }
}
