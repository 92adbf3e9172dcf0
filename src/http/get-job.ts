import type { FastifyRequest } from "fastify";
import { ProblemError } from "../contract/problems.ts";
import type { JobQueue } from "../jobs/job-queue.ts";
import type { QueuePosition } from "../jobs/queue-position.ts";
import type { JobRecord } from "../jobs/records/job-record.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The id in a request's path; null if it cannot be one. Upper case is the same id (RFC 9562, section 4). */
export function pathId(request: JobRequest): string | null {
  const id = request.params.id.toLowerCase();
  return UUID.test(id) ? id : null;
}

type JobRequest = FastifyRequest<{ Params: { id: string } }>;

/** Returns the job in a request's path. Throws a `ProblemError` if it does not exist or has another owner. */
export async function getJob(queue: JobQueue, request: JobRequest): Promise<JobRecord> {
  const id = pathId(request);
  return requireOwnJob(id === null ? null : await queue.find(id), request);
}

/** The same for frequent polls, with the position in the queue: see `JobQueue.getSnapshot`. */
export async function getJobWithPosition(queue: JobQueue, request: JobRequest): Promise<JobWithPosition> {
  const id = pathId(request);
  const found = id === null ? null : await queue.getSnapshot(id);
  return { record: requireOwnJob(found?.record ?? null, request), position: found?.position ?? null };
}

/** A job, and its position if it is queued. */
export interface JobWithPosition {
  record: JobRecord;
  position: QueuePosition | null;
}

/** Adds the position; null if Redis cannot be reached, for responses to a job that is accepted already. */
export async function withPosition(queue: JobQueue, record: JobRecord): Promise<JobWithPosition> {
  return { record, position: await queue.getPosition(record).catch(() => null) };
}

/** Applies `update` to the job in a request's path. Throws as `getJob` does. */
export async function updateJob(
  queue: JobQueue,
  request: JobRequest,
  update: (id: string) => Promise<JobRecord | null>,
): Promise<JobRecord> {
  // Owners never change, so the check is still valid when the update runs.
  const { id } = await getJob(queue, request);
  return requireOwnJob(await update(id), request);
}

/** The problem is the same for another owner's job, so that callers cannot find out which ids exist. */
function requireOwnJob(record: JobRecord | null, { caller, params }: JobRequest): JobRecord {
  if (record !== null && (record.owner === caller.owner || record.id === caller.link)) return record;
  const received = JSON.stringify(params.id.slice(0, 64));
  throw new ProblemError("job_not_found", `Expected the id of an existing job, received ${received}`);
}
