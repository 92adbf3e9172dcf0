import type { JobStatus } from "../contract/job.ts";
import type { JobRecord } from "./records/job-record.ts";
import { isFinal } from "./records/job-states.ts";
import type { RecordStore } from "./records/record-store.ts";

/** The job has ended, so it cannot be finished. */
export class NotFinishableError extends Error {
  override name = "NotFinishableError";
  constructor(readonly status: JobStatus) {
    super(`The job has ${status} already`);
  }
}

/** The job has painted no whole step that it could end with. */
export class NothingPaintedError extends Error {
  override name = "NothingPaintedError";
}

/**
 * Lets a running job, or a queued one with a checkpoint, end with what it has. The worker that paints it, now or after a crash, does
 * so. A job that is to finish already, or has succeeded since, stays as it is. Throws one of the errors above.
 */
export async function finishJob(records: RecordStore, id: string): Promise<JobRecord | null> {
  for (;;) {
    const record = await records.find(id);
    if (!record) return null;
    const { status, finish_requested, revision } = record;
    if (isFinal(status) && !(status === "succeeded" && finish_requested))
      throw new NotFinishableError(status);
    if (finish_requested) return record;
    if (!hasPainted(record)) throw new NothingPaintedError("The job has no whole step yet");
    if (await records.requestFinish(id, revision)) {
      return { ...record, finish_requested: true, revision: revision + 1 };
    }
  }
}

/** Whether a job that has not ended has something to end with. */
export function hasPainted({ status, checkpoint, progress }: JobRecord): boolean {
  return status === "queued" ? checkpoint !== null : (progress?.step ?? 0) > 0;
}
