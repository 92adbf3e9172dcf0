import type { JobView } from "../../contract/job.ts";
import { JOB_ERRORS } from "../../contract/problems.ts";
import { hasPainted } from "../../jobs/finish-job.ts";
import type { QueuePosition } from "../../jobs/queue-position.ts";
import { isDue, type JobRecord } from "../../jobs/records/job-record.ts";
import { isFinal } from "../../jobs/records/job-states.ts";
import { redactPaths } from "./redact-paths.ts";

/** A job as clients see it; `position` is its position in the queue, if it is queued. */
export function jobView(record: JobRecord, position: QueuePosition | null): JobView {
  const { error } = record;
  return {
    id: record.id,
    status: record.status,
    options: record.options,
    progress: record.progress,
    queue: record.status === "queued" ? position : null,
    attempts: record.attempts,
    engine: record.engine,
    priority: record.priority,
    metadata: record.metadata,
    options_version: record.options_version,
    continued_from: record.continued_from,
    batch: record.batch,
    webhook: record.webhook && { ...record.webhook, deliveries: record.deliveries ?? [] },
    traceparent: record.traceparent,
    finished_early: record.finished_early ?? false,
    error: error && {
      ...error,
      message: redactPaths(error.message),
      retryable: JOB_ERRORS[error.code].retryable,
    },
    created_at: record.created_at,
    started_at: record.started_at,
    finished_at: record.finished_at,
    expires_at: record.expires_at,
    links: links(record),
  };
}

function links(record: JobRecord): Record<string, string> {
  const self = jobPath(record.id);
  return {
    self,
    ...(!isFinal(record.status) && { cancel: `${self}/cancel` }),
    ...(!isFinal(record.status) && hasPainted(record) && { finish: `${self}/finish` }),
    events: `${self}/events`,
    ...(!isExpired(record) && {
      content: `${self}/content`,
      ...Object.fromEntries(record.styles.map((_, index) => [`style_${index}`, `${self}/styles/${index}`])),
    }),
    ...(record.preview && { preview: `${self}/preview` }),
    ...(record.timelapse && { timelapse: `${self}/timelapse` }),
    ...(record.losses && { losses: `${self}/losses` }),
    ...(record.status === "succeeded" &&
      record.result && { result: `${self}/result`, continue: `${self}/continue` }),
  };
}

/** Whether the pictures of the job have been deleted, or will be at any moment. */
function isExpired(record: JobRecord): boolean {
  return isFinal(record.status) && isDue(record, Date.now());
}

export function jobPath(id: string): string {
  return `/v1/jobs/${id}`;
}

const MAX_RETRY_SECONDS = 30;
/** For a job without an estimate: no worker is available, or it has just started. */
const DEFAULT_ETA_SECONDS = 20;

/**
 * When a client should poll again, in seconds; null if the job has ended. A tenth of the remaining time: few polls, and the
 * end is noticed soon.
 */
export function retryAfter(record: JobRecord, position: QueuePosition | null): number | null {
  if (isFinal(record.status)) return null;
  const eta = record.status === "running" ? record.progress?.eta_seconds : position?.eta_seconds;
  return Math.min(MAX_RETRY_SECONDS, Math.max(1, Math.ceil((eta ?? DEFAULT_ETA_SECONDS) / 10)));
}
