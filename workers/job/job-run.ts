import type { JobErrorCode } from "../../src/contract/problems.ts";
import type { JobFields, JobRecord } from "../../src/jobs/records/job-record.ts";

/**
 * Why a run is to stop. `canceled`: its owner wants no more of it. `stopping`: this worker ends, the job goes on
 * elsewhere. `lost`: another worker has taken the job over, or it was deleted.
 */
export type StopReason = "canceled" | "stopping" | "lost";

/** One attempt at a job, as who works at it sees it. */
export interface JobRun {
  record: JobRecord;
  /** Names this attempt among all. */
  token: string;
  /** Aborted with a `StopReason`. */
  signal: AbortSignal;
  /** Writes into the record, unless the job is no longer this run's: then the signal is aborted. */
  update(fields: JobFields): Promise<void>;
  /** Calls back with the record, which is the run's from then on, whenever the job's options were changed. */
  onSteered(listener: (record: JobRecord) => void): void;
}

export type JobOutcome = (
  | { type: "succeeded"; fields: JobFields }
  | { type: "failed"; code: JobErrorCode; message: string }
  /** The attempt is lost through no fault of the job's: to be tried again while attempts are left. */
  | { type: "crashed"; code: JobErrorCode; message: string }
  /** The signal was aborted, and all that is worth keeping is stored. */
  | { type: "stopped" }
) & {
  /** Called with the record as it is after the outcome was written, or was refused. */
  afterwards?: (record: JobRecord | null) => Promise<void>;
};
