import type { FastifyRequest } from "fastify";
import type { JobQueue } from "../../jobs/job-queue.ts";
import type { QueuePosition } from "../../jobs/queue-position.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";
import type { Dependencies } from "../dependencies.ts";
import { withIdempotency } from "./idempotency.ts";
import { pictureLimits } from "./parsed-submission.ts";
import { requesterOf } from "./queue-job.ts";
import { readSubmission } from "./read-submission.ts";
import { Spool } from "./spool.ts";
import { submitJob } from "./submit-job.ts";

/** A job, and its position if it is queued. */
export interface AcceptedJob {
  record: JobRecord;
  position: QueuePosition | null;
}

/** Reads a request and submits its job, once for each idempotency key. */
export async function acceptJob(dependencies: Dependencies, request: FastifyRequest) {
  const { config, queue, idempotency } = dependencies;
  const spool = await Spool.open(config.spoolDirectory, config.limits.uploadBytes);
  try {
    const limits = pictureLimits(1, config.limits.styles);
    const body = await readSubmission(request, spool, dependencies, limits);
    return await withIdempotency(idempotency, request, body.fingerprint, async (id) => {
      const record = await submitJob(dependencies, await body.parse(), id, requesterOf(request));
      return await withPosition(queue, record);
    });
  } finally {
    await spool.close();
  }
}

/** The job is accepted already: without Redis the response still has its id. */
export async function withPosition(queue: JobQueue, record: JobRecord): Promise<AcceptedJob> {
  return { record, position: await queue.getPosition(record).catch(() => null) };
}
