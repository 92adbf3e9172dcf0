import { setTimeout as sleep } from "node:timers/promises";
import type { EngineDescription } from "../../src/contract/engine-description.ts";
import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import type { Logger } from "../../src/logging.ts";
import type { EngineProcess } from "../engine-process/engine-process.ts";
import type { ThroughputEstimator } from "../throughput-estimator.ts";
import { ArtifactWriter } from "./artifact-writer.ts";
import type { AttemptContext, JobOutcome, StopReason } from "./attempt-context.ts";
import { CheckpointSchedule } from "./checkpoint-schedule.ts";
import { loadCheckpoint } from "./load-checkpoint.ts";
import { type InputDeps, loadInputs } from "./load-inputs.ts";
import { onAbort } from "./on-abort.ts";
import type { ScratchFolder } from "./scratch-folder.ts";
import type { StoreRetry } from "./store-retry.ts";

/** An engine that has not ended a canceled painting after this time hangs. */
const CANCEL_TIMEOUT_MS = 120_000;
/** How long a stopping worker waits for a last checkpoint. A step may take longer. */
const LAST_CHECKPOINT_TIMEOUT_MS = 8_000;
const READ_RETRY_DELAYS_MS = [250, 1_000];

export interface PaintDeps extends InputDeps {
  engine: EngineProcess;
  /** Interval of checkpoints. */
  checkpointMs: number;
  logger: Logger;
  throughput: ThroughputEstimator;
}

/** Paints a job with a ready engine: from its checkpoint if it has one, until it is painted, fails or is stopped. */
export async function paintJob(
  deps: PaintDeps,
  attempt: AttemptContext,
  description: EngineDescription,
  scratch: ScratchFolder,
  storeRetry: StoreRetry,
): Promise<JobOutcome> {
  const { engine, store, logger, throughput } = deps;
  const { record, signal } = attempt;
  const pictures = await storeRetry.retry(READ_RETRY_DELAYS_MS, () => loadInputs(deps, record));
  const { checkpoint, losses } = await storeRetry.retry(READ_RETRY_DELAYS_MS, () =>
    loadCheckpoint(store, record, scratch),
  );
  // The engine may have exited while the inputs were loaded.
  if ((await engine.whenReady(signal)).type !== "ready") return { type: "stopped" };

  const artifacts = new ArtifactWriter(store, attempt, losses, logger, storeRetry);
  const cleanUp = (record: JobRecord | null) => artifacts.cleanUp(record);
  const requestCheckpoint = () => engine.requestCheckpoint(scratch.newPath());
  const schedule = new CheckpointSchedule(deps.checkpointMs, requestCheckpoint);
  const { options, options_version } = record;
  const painting = engine.paint({ pictures, options, options_version, checkpoint }, (event) => {
    if (event.type === "progress") {
      schedule.onStep();
      throughput.onProgress(event.progress);
    } else if (event.type === "checkpoint" || event.type === "checkpoint_failed") {
      schedule.onCheckpoint();
    } else if (event.type === "restarted") {
      logger.warn(`restarting the painting from the beginning: ${event.message}`);
    }
    artifacts.onEvent(event);
  });
  attempt.onOptionsChanged(({ options, options_version }) => {
    logger.info({ options_version }, "options changed");
    engine.updateOptions(options, options_version);
  });
  const finish = onAbort(attempt.finishRequested, async () => {
    logger.info("finishing with what is painted");
    engine.finish();
  });
  schedule.start();
  const stop = onAbort(signal, async (reason: StopReason, disposed) => {
    // The engine writes the checkpoint before it ends the painting.
    if (reason === "stopping") requestCheckpoint();
    engine.cancel();
    const timeoutMs = reason === "stopping" ? LAST_CHECKPOINT_TIMEOUT_MS : CANCEL_TIMEOUT_MS;
    await sleep(timeoutMs, undefined, { signal: disposed });
    if (reason === "stopping") return "timeout" as const;
    engine.kill();
    return painting;
  });
  try {
    const end = await Promise.race([painting, stop.result]);
    const isPainted = end !== "timeout" && end.type === "painted";
    // A stopping worker still stores a picture that is finished.
    if (end === "timeout" || (signal.aborted && !(isPainted && signal.reason === "stopping"))) {
      if (signal.reason === "stopping") await Promise.race([artifacts.flush(), stop.result]);
      return { type: "stopped", cleanUp };
    }
    await artifacts.flush();
    if (end.type === "painted") {
      const fields = await artifacts.storeResult(end, description);
      return { type: "succeeded", fields, cleanUp };
    }
    if (end.type === "canceled") throw new Error("The engine canceled a painting without being asked to");
    await artifacts.storeFailure();
    // A picture that needs too much memory would need it again.
    const type = end.type === "crashed" && end.code !== "out_of_memory" ? "crashed" : "failed";
    return { type, code: end.code, message: end.message, cleanUp };
  } finally {
    schedule.stop();
    finish.dispose();
    stop.dispose();
  }
}
