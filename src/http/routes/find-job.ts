import type { FastifyRequest } from "fastify";
import { ProblemError } from "../../contract/problems.ts";
import type { JobQueue } from "../../jobs/job-queue.ts";
import type { QueuePosition } from "../../jobs/queue-position.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function jobNotFound(id: string): ProblemError {
  return new ProblemError(
    "job_not_found",
    `Expected the id of a job, received ${JSON.stringify(id.slice(0, 64))}`,
  );
}

type JobRequest = FastifyRequest<{ Params: { id: string } }>;

/**
 * The job that a request names in its path. Throws a `ProblemError` where there is none, or where it is another owner's:
 * whoever asks learns no more than that there is none of theirs.
 */
export async function findJob(queue: JobQueue, request: JobRequest): Promise<JobRecord> {
  const { id } = request.params;
  const record = UUID.test(id) ? await queue.find(id) : null;
  return mine(record, request);
}

/** The same for clients that poll: see `JobQueue.getSnapshot`. */
export async function lookAtJob(
  queue: JobQueue,
  request: JobRequest,
): Promise<{ record: JobRecord; position: QueuePosition | null }> {
  const { id } = request.params;
  const snapshot = UUID.test(id) ? await queue.getSnapshot(id) : null;
  return { record: mine(snapshot?.record ?? null, request), position: snapshot?.position ?? null };
}

/** Does something to the job that a request names in its path. Throws as `findJob` does. */
export async function changeJob(
  queue: JobQueue,
  request: JobRequest,
  change: (id: string) => Promise<JobRecord | null>,
): Promise<JobRecord> {
  // A job never changes hands: that it is the client's stays true until it is changed.
  const { id } = await findJob(queue, request);
  return mine(await change(id), request);
}

function mine(record: JobRecord | null, { caller, params }: JobRequest): JobRecord {
  if (record === null || (record.owner !== caller.owner && record.id !== caller.link))
    throw jobNotFound(params.id);
  return record;
}
