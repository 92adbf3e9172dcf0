import type { JobErrorCode } from "../../src/contract/problems.ts";
import type { JobFields, JobRecord } from "../../src/jobs/records/job-record.ts";

/**
 * Why an attempt must stop. `canceled`: the owner canceled the job. `stopping`: this worker stops, and another one continues
 * the job. `lost`: another worker has taken over the job, or the job was deleted.
 */
export type StopReason = "canceled" | "stopping" | "lost";

/** An attempt at a job, as its processing sees it. */
export interface AttemptContext {
  record: JobRecord;
  /** Unique to this attempt. */
  attemptId: string;
  /** Aborted with a `StopReason`. */
  signal: AbortSignal;
  /** Aborted when the job is to end with what it has. */
  finishRequested: AbortSignal;
  /** Writes fields to the record. If the job no longer belongs to this attempt, nothing is written and `signal` is aborted. */
  update(fields: JobFields): Promise<void>;
  /** Calls `listener` with the updated record whenever the job's options have changed. */
  onOptionsChanged(listener: (record: JobRecord) => void): void;
}

export type JobOutcome = (
  | { type: "succeeded"; fields: JobFields }
  | { type: "failed"; code: JobErrorCode; message: string }
  /** The attempt failed through no fault of the job, which is retried while it has attempts left. */
  | { type: "crashed"; code: JobErrorCode; message: string }
  /** `signal` was aborted, and everything worth keeping is stored. */
  | { type: "stopped" }
) & {
  /** Called with the job's record after the outcome was written to it, or was rejected. */
  cleanUp?: (record: JobRecord | null) => Promise<void>;
};

/** No further attempt would succeed: the job fails with this code and message, which its owner sees. */
export class PermanentJobError extends Error {
  override readonly name = "PermanentJobError";

  constructor(
    readonly code: JobErrorCode,
    message: string,
  ) {
    super(message);
  }
}
