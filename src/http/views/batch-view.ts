import type { BatchView } from "../../contract/batch.ts";
import { jobStatusSchema } from "../../contract/job.ts";
import type { Batch } from "../../jobs/batch-store.ts";
import type { JobQueue } from "../../jobs/job-queue.ts";
import type { JobSnapshot } from "../../jobs/job-snapshot-loader.ts";
import type { QueuePosition } from "../../jobs/queue-position.ts";
import { type JobRecord, UnreadableRecordError } from "../../jobs/records/job-record.ts";
import { isFinal } from "../../jobs/records/job-states.ts";
import { jobView } from "./job-view.ts";

/** An existing job of a batch, and the numbers of its content and style. */
interface BatchJob {
  content: number;
  style: number;
  record: JobRecord;
  position: QueuePosition | null;
}

/** The jobs of a batch, without those that have been deleted or cannot be read. */
export async function findBatchJobs(queue: JobQueue, batch: Batch): Promise<BatchJob[]> {
  const found = await Promise.all(
    batch.jobs.map(async ({ id, ...pair }) => ({ ...pair, job: await findSnapshot(queue, id) })),
  );
  return found.flatMap(({ job, ...pair }) =>
    job ? [{ ...pair, record: job.record, position: job.position }] : [],
  );
}

async function findSnapshot(queue: JobQueue, id: string): Promise<JobSnapshot | null> {
  return await queue.getSnapshot(id).catch((error: unknown) => {
    if (error instanceof UnreadableRecordError) return null;
    throw error;
  });
}

/** A batch as clients see it. */
export function batchView(batch: Batch, jobs: readonly BatchJob[]): BatchView {
  const statuses = jobs.map(({ record }) => record.status);
  const counts = Object.fromEntries(
    jobStatusSchema.options.map((status) => [status, statuses.filter((one) => one === status).length]),
  ) as BatchView["counts"];
  const fractions = jobs.map(({ record }) => (isFinal(record.status) ? 1 : (record.progress?.fraction ?? 0)));
  const isFinished = statuses.every(isFinal);
  const self = batchPath(batch.id);
  return {
    id: batch.id,
    status: isFinished ? "finished" : statuses.every((one) => one === "queued") ? "queued" : "running",
    counts,
    fraction: jobs.length === 0 ? 1 : fractions.reduce((sum, one) => sum + one, 0) / jobs.length,
    metadata: batch.metadata,
    created_at: batch.created_at,
    jobs: jobs.map(({ content, style, record, position }) => ({
      ...{ content, style },
      job: jobView(record, position),
    })),
    links: {
      self,
      ...(!isFinished && { cancel: `${self}/cancel` }),
      ...(isFinished && counts.succeeded > 0 && { result: `${self}/result` }),
    },
  };
}

export function batchPath(id: string): string {
  return `/v1/batches/${id}`;
}
