import type { JobStatus } from "../../contract/job.ts";

/**
 * Every change of a job's status. Nothing else decides which status may follow which: a change names its transition, and one
 * script in Redis rejects it if the job is in none of the `from` states.
 */
export const TRANSITIONS = {
  /** A worker starts the job. From `running`: the previous worker died, and its lock expired. */
  start: { from: ["queued", "running"], to: "running" },
  /** A worker that stops, or whose engine died, returns the job, to be resumed from its checkpoint. */
  requeue: { from: ["running"], to: "queued" },
  succeed: { from: ["running"], to: "succeeded" },
  /** From `queued`: the job has no attempts left, as its workers died. */
  fail: { from: ["queued", "running"], to: "failed" },
  cancel: { from: ["queued", "running"], to: "canceled" },
  /** The owner wants a job that ended without a result to run again. */
  retry: { from: ["failed", "canceled"], to: "queued" },
} as const satisfies Record<string, { from: readonly JobStatus[]; to: JobStatus }>;

export type Transition = keyof typeof TRANSITIONS;

/** States that a job leaves only if its owner retries it. */
export const FINAL_STATES = ["succeeded", "failed", "canceled"] as const satisfies readonly JobStatus[];

export function isFinal(status: JobStatus): boolean {
  return (FINAL_STATES as readonly JobStatus[]).includes(status);
}
