import { ProblemError } from "../../contract/problems.ts";
import type { SubmissionFields } from "../../contract/request.ts";
import { QueueFullError, QuotaExceededError } from "../../jobs/job-queue.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";
import type { Submission } from "../../jobs/records/new-record.ts";
import { StorageFullError } from "../../storage/blob-store.ts";
import type { Dependencies } from "../dependencies.ts";

/** A picture of a job: its key in the blob store, and what brings it there. */
export interface JobPicture {
  key: string;
  store(): Promise<unknown>;
}

/** By whom, as part of what, a job is asked for. */
export type Asked = Pick<Submission, "traceparent" | "batch"> & { owner: string };

/** What a client may say of a job beside its pictures and options. */
type Wishes = Omit<SubmissionFields, "options">;

/** Whether a job was certainly not taken, by this request or an earlier one with its id. */
export function wasRefused(error: unknown): boolean {
  const refusals = [ProblemError, QueueFullError, QuotaExceededError, StorageFullError];
  return refusals.some((refusal) => error instanceof refusal);
}

/**
 * Stores a job's pictures and only then queues it: what is accepted can be painted. Throws what the queue and the store
 * throw.
 */
export async function queueJob(
  { queue, store }: Pick<Dependencies, "queue" | "store">,
  pictures: JobPicture[],
  job: Omit<Submission, keyof Wishes>,
  { metadata, webhook, priority, expires_in }: Wishes,
): Promise<JobRecord> {
  try {
    // All have ended before any is deleted: none appears afterwards.
    const stored = await Promise.allSettled(pictures.map((picture) => picture.store()));
    for (const one of stored) if (one.status === "rejected") throw one.reason;
    return await queue.submit({
      ...job,
      metadata,
      ...(webhook && { webhook }),
      ...(priority !== undefined && { priority }),
      ...(expires_in !== undefined && { expires_in }),
    });
  } catch (error) {
    // Other pictures are swept away later where no job uses them.
    if (wasRefused(error)) await Promise.allSettled(pictures.map(({ key }) => store.delete(key)));
    throw error;
  }
}
