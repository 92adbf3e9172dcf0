import type { FastifyRequest } from "fastify";
import { ProblemError } from "../../contract/problems.ts";
import type { SubmissionFields } from "../../contract/request.ts";
import { QueueFullError, QuotaExceededError } from "../../jobs/job-limits.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";
import type { Submission } from "../../jobs/records/new-record.ts";
import { StorageFullError } from "../../storage/blob-store.ts";
import { formatTraceparent } from "../../trace-context.ts";
import type { Dependencies } from "../dependencies.ts";

/** A picture of a new job: its key in the blob store, and how to store it there. */
interface JobPicture {
  key: string;
  store(): Promise<unknown>;
}

/** The owner that a job is submitted for, and the trace and the batch that it belongs to. */
export type Requester = Pick<Submission, "traceparent" | "batch"> & { owner: string };

export function requesterOf({ caller, raw }: FastifyRequest): Requester {
  return { owner: caller.owner, ...(raw.trace && { traceparent: formatTraceparent(raw.trace) }) };
}

/** What a client can set for a job besides its pictures and options. */
type JobSettings = Omit<SubmissionFields, "options">;

/** Whether the error means that the job has certainly not been accepted, by this request or an earlier one with its id. */
export function isRejection(error: unknown): boolean {
  const rejections = [ProblemError, QueueFullError, QuotaExceededError, StorageFullError];
  return rejections.some((type) => error instanceof type);
}

/**
 * Stores a job's pictures and then queues it: an accepted job has all of its pictures. Rejects with the errors of the
 * queue and the store.
 */
export async function queueJob(
  { queue, store }: Pick<Dependencies, "queue" | "store">,
  pictures: JobPicture[],
  job: Omit<Submission, keyof JobSettings>,
  { metadata, webhook, priority, expires_in }: JobSettings,
): Promise<JobRecord> {
  try {
    // Waits for all of them: none may be stored after the others have been deleted.
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
    // After any other error the job may exist; maintenance deletes pictures that no job uses.
    if (isRejection(error)) await Promise.allSettled(pictures.map(({ key }) => store.delete(key)));
    throw error;
  }
}
