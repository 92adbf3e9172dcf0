import type { FastifyRequest } from "fastify";
import { ProblemError } from "../../contract/problems.ts";
import type { SubmissionFields } from "../../contract/request.ts";
import { PictureMissingError, QueueFullError, QuotaExceededError } from "../../jobs/job-limits.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";
import type { Submission } from "../../jobs/records/new-record.ts";
import { StorageFullError } from "../../storage/blob-store.ts";
import { formatTraceparent } from "../../trace-context.ts";
import type { Dependencies } from "../dependencies.ts";

/** The owner that a job is submitted for, and the trace and the batch that it belongs to. */
export type Requester = Pick<Submission, "traceparent" | "batch"> & { owner: string };

export function requesterOf({ caller, raw }: FastifyRequest): Requester {
  return { owner: caller.owner, ...(raw.trace && { traceparent: formatTraceparent(raw.trace) }) };
}

/** What a client can set for a job besides its pictures and options. */
type JobSettings = Omit<SubmissionFields, "options">;

/** Whether the error means that the job has certainly not been accepted, by this request or an earlier one with its id. */
export function isRejection(error: unknown): boolean {
  const rejections = [
    ProblemError,
    QueueFullError,
    QuotaExceededError,
    PictureMissingError,
    StorageFullError,
  ];
  return rejections.some((type) => error instanceof type);
}

/** A job whose pictures are stored. */
export type NewJob = Omit<Submission, keyof JobSettings>;

/** Queues a job whose pictures are stored. Rejects with the errors of the queue. */
export async function queueJob(
  { queue }: Pick<Dependencies, "queue">,
  job: NewJob,
  { metadata, webhook, priority, expires_in }: JobSettings,
): Promise<JobRecord> {
  return await queue.submit({
    ...job,
    metadata,
    ...(webhook && { webhook }),
    ...(priority !== undefined && { priority }),
    ...(expires_in !== undefined && { expires_in }),
  });
}
