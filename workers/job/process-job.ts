import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineDescription } from "../../src/contract/engine.ts";
import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import type { Logger } from "../../src/logging.ts";
import { BlobNotFoundError, type BlobStore } from "../../src/storage/blob-store.ts";
import { parseTraceparent } from "../../src/trace-context.ts";
import type { EngineProcess } from "../engine-process/engine-process.ts";
import type { ThroughputEstimator } from "../throughput-estimator.ts";
import { CheckpointSchedule } from "./checkpoint-schedule.ts";
import { fetchPictures, JobFailure, type PictureTools } from "./fetch-pictures.ts";
import type { JobOutcome, JobRun, StopReason } from "./job-run.ts";
import { LossHistory } from "./loss-history.ts";
import { Patience } from "./patience.ts";
import { Recorder } from "./recorder.ts";
import { Scratch } from "./scratch.ts";

/** An engine that has not ended a canceled painting after this long is hung. */
const CANCEL_MS = 120_000;
/** Pauses between tries to read a job's pictures where the store works. */
const READ_PAUSES_MS = [250, 1_000];
/** How long a worker that stops waits for a last checkpoint; a step may take longer than it has time for. */
const LAST_CHECKPOINT_MS = 8_000;

export interface JobTools extends PictureTools {
  engine: EngineProcess;
  /** Folder for files on their way between engine and store; best on the store's file system. */
  scratchDirectory: string;
  /** Time between checkpoints. */
  checkpointMs: number;
  logger: Logger;
  throughput: ThroughputEstimator;
}

/** Works at one job: pictures from the store, through the engine, the result into the store. */
export async function processJob(tools: JobTools, run: JobRun): Promise<JobOutcome> {
  const logger = tools.logger.child({
    ...{ job_id: run.record.id, attempt: run.record.attempts },
    trace_id: parseTraceparent(run.record.traceparent)?.traceId,
  });
  const started = performance.now();
  logger.info({ from_step: run.record.checkpoint?.step ?? 0 }, "job started");
  tools.throughput.onJobStarted(run.record);
  const outcome = await paintJob({ ...tools, logger }, run).catch((error: unknown): JobOutcome => {
    if (error instanceof JobFailure) return { type: "failed", code: error.code, message: error.message };
    if (run.signal.aborted) return { type: "stopped" };
    logger.error({ err: error }, "the worker could not go on with the job");
    return {
      type: "crashed",
      code: "storage_failed",
      message: "The job's pictures could not be read or stored",
    };
  });
  tools.throughput.onJobEnded();
  const ms = Math.round(performance.now() - started);
  if ("message" in outcome)
    logger.warn({ ms, code: outcome.code }, `job ${outcome.type}: ${outcome.message}`);
  else logger.info({ ms, reason: run.signal.reason }, `job ${outcome.type}`);
  return outcome;
}

async function paintJob(tools: JobTools, run: JobRun): Promise<JobOutcome> {
  const { engine } = tools;
  const { signal } = run;
  const state = await engine.whenReady(signal);
  // Without an engine the job goes back, and waits until some worker has one.
  if (signal.aborted || state.type !== "ready") return { type: "stopped" };
  await run.update({ engine: state.engine });
  // Nothing is begun that could not be stored.
  const patience = new Patience(tools.store, signal, tools.logger);
  await patience.untilWritable();
  const scratch = await Scratch.open(tools.scratchDirectory, run);
  try {
    return await paintWith(tools, run, state.engine, scratch, patience);
  } finally {
    await scratch.close();
  }
}

async function paintWith(
  tools: JobTools,
  run: JobRun,
  description: EngineDescription,
  scratch: Scratch,
  patience: Patience,
): Promise<JobOutcome> {
  const { engine, store, logger } = tools;
  const { record, signal } = run;
  const pictures = await patience.insist(READ_PAUSES_MS, () => fetchPictures(tools, record));
  const { checkpoint, losses } = await patience.insist(READ_PAUSES_MS, () =>
    fetchCheckpoint(store, record, scratch),
  );
  // It may have died in the meantime.
  if ((await engine.whenReady(signal)).type !== "ready") return { type: "stopped" };
  const recorder = new Recorder(store, run, losses, logger, patience);
  const afterwards = (record: JobRecord | null) => recorder.cleanUp(record);

  const { options, steered } = record;
  const schedule = new CheckpointSchedule(tools.checkpointMs, () =>
    engine.requestCheckpoint(scratch.newPath()),
  );
  const painting = engine.paint({ pictures, options, steered, checkpoint }, (event) => {
    if (event.type === "progress") schedule.sawProgress();
    if (event.type === "checkpoint" || event.type === "checkpoint_failed") schedule.sawCheckpoint();
    if (event.type === "restarted")
      logger.warn(`restarting the painting from the beginning: ${event.message}`);
    if (event.type === "progress") tools.throughput.onProgress(event.progress);
    recorder.record(event);
  });
  run.onSteered(({ options, steered }) => {
    logger.info({ steered }, "steered");
    engine.steer(options, steered);
  });
  schedule.start();
  const stop = whenAborted(signal, async (reason, over) => {
    // The engine saves the painting before it ends it.
    if (reason === "stopping") engine.requestCheckpoint(scratch.newPath());
    engine.cancel();
    await sleep(reason === "stopping" ? LAST_CHECKPOINT_MS : CANCEL_MS, undefined, { signal: over });
    if (reason === "stopping") return "late" as const;
    engine.kill();
    return painting;
  });
  try {
    const end = await Promise.race([painting, stop.ended]);
    const painted = end !== "late" && end.type === "painted";
    // A picture that is painted while the worker stops is stored all the same.
    if (end === "late" || (signal.aborted && !(painted && signal.reason === "stopping"))) {
      if (signal.reason === "stopping") await Promise.race([recorder.settle(), stop.ended]);
      return { type: "stopped", afterwards };
    }
    await recorder.settle();
    if (end.type === "painted") {
      const fields = await recorder.result(end, description);
      return { type: "succeeded", fields, afterwards };
    }
    if (end.type === "canceled") throw new Error("The engine ended a painting that nobody had canceled");
    await recorder.failure();
    // What did not fit does not fit again.
    const type = end.type === "crashed" && end.code !== "out_of_memory" ? "crashed" : "failed";
    return { type, code: end.code, message: end.message, afterwards };
  } finally {
    schedule.stop();
    stop.forget();
  }
}

/** What an earlier attempt left to go on from; where it is gone, the job starts anew. */
async function fetchCheckpoint(store: BlobStore, record: JobRecord, scratch: Scratch) {
  if (!record.checkpoint) return { checkpoint: null, losses: new LossHistory() };
  const { key, step } = record.checkpoint;
  const checkpoint = scratch.newPath();
  const found = await orNull(async () => {
    const { stream } = await store.get(key);
    await pipeline(stream, createWriteStream(checkpoint, { flags: "wx" }));
    return true;
  });
  if (!found) return { checkpoint: null, losses: new LossHistory() };
  const { losses } = record;
  const stored = losses === null ? null : await orNull(() => store.read(losses));
  return { checkpoint, losses: new LossHistory(stored ?? undefined, step) };
}

/** What `read` gives, or null where there is no such blob. */
function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  return read().catch((error: unknown) => {
    if (error instanceof BlobNotFoundError) return null;
    throw error;
  });
}

/** Runs `action` when the signal is aborted, or at once where it is; `ended` stays open until then. */
function whenAborted<T>(
  signal: AbortSignal,
  action: (reason: StopReason, over: AbortSignal) => Promise<T>,
): { ended: Promise<T>; forget: () => void } {
  const over = new AbortController();
  let onAbort = () => {};
  const ended = new Promise<T>((resolve) => {
    // After forget() nobody waits for it.
    onAbort = () => action(signal.reason as StopReason, over.signal).then(resolve, () => undefined);
  });
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  const forget = () => {
    signal.removeEventListener("abort", onAbort);
    over.abort();
  };
  return { ended, forget };
}
