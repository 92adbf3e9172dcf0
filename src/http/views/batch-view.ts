import type { BatchView } from "../../contract/batch.ts";
import { jobStatusSchema } from "../../contract/job.ts";
import type { Batch } from "../../jobs/batch-store.ts";
import type { QueuePosition } from "../../jobs/queue-position.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";
import { isFinal } from "../../jobs/records/job-states.ts";
import { jobView } from "./job-view.ts";

/** A job of a batch that is still there, and which content and style it is of. */
export interface BatchJob {
  content: number;
  style: number;
  record: JobRecord;
  position: QueuePosition | null;
}

/** A batch as its client sees it; jobs that were forgotten are left out. */
export function batchView(batch: Batch, jobs: readonly BatchJob[]): BatchView {
  const statuses = jobs.map(({ record }) => record.status);
  const counts = Object.fromEntries(
    jobStatusSchema.options.map((status) => [status, statuses.filter((one) => one === status).length]),
  ) as BatchView["counts"];
  const done = jobs.map(({ record }) => (isFinal(record.status) ? 1 : (record.progress?.fraction ?? 0)));
  const isFinished = statuses.every(isFinal);
  const self = batchPath(batch.id);
  return {
    id: batch.id,
    status: isFinished ? "finished" : statuses.every((one) => one === "queued") ? "queued" : "running",
    counts,
    fraction: jobs.length === 0 ? 1 : done.reduce((sum, share) => sum + share, 0) / jobs.length,
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
