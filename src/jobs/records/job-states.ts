import type { JobStatus } from "../../contract/job.ts";

/**
 * Every change of a job's status. No other code decides what may follow what: each change names its
 * transition, and one script in Redis refuses it where the job is in none of the `from` states.
 */
export const TRANSITIONS = {
  /** A worker begins. From `running`: the worker before is gone, its lock ran out. */
  start: { from: ["queued", "running"], to: "running" },
  /** A worker that is stopping, or whose engine died, gives the job back to go on later from its checkpoint. */
  hand_back: { from: ["running"], to: "queued" },
  succeed: { from: ["running"], to: "succeeded" },
  /** From `queued`: no attempts are left for a job whose workers all died. */
  fail: { from: ["queued", "running"], to: "failed" },
  cancel: { from: ["queued", "running"], to: "canceled" },
  /** The owner wants a job that ended without a picture to run again. */
  retry: { from: ["failed", "canceled"], to: "queued" },
} as const satisfies Record<string, { from: readonly JobStatus[]; to: JobStatus }>;

export type Transition = keyof typeof TRANSITIONS;

/** States in which nothing happens to a job any more unless its owner asks for it. */
export const FINAL_STATES = ["succeeded", "failed", "canceled"] as const satisfies readonly JobStatus[];

export function isFinal(status: JobStatus): boolean {
  return (FINAL_STATES as readonly JobStatus[]).includes(status);
}
