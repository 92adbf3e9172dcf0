import type { JobView } from "../../contract/job.ts";
import { JOB_ERRORS } from "../../contract/problems.ts";
import type { QueuePosition } from "../../jobs/queue-position.ts";
import { isDue, type JobRecord } from "../../jobs/records/job-record.ts";
import { isFinal } from "../../jobs/records/job-states.ts";
import { withoutPaths } from "./without-paths.ts";

/** A job as its client sees it; `position` is its place in the queue, if it is queued. */
export function jobView(record: JobRecord, position: QueuePosition | null): JobView {
  const { error } = record;
  return {
    id: record.id,
    status: record.status,
    options: record.options,
    progress: record.progress,
    queue: record.status === "queued" ? (position ?? null) : null,
    attempts: record.attempts,
    engine: record.engine,
    priority: record.priority,
    metadata: record.metadata,
    steered: record.steered,
    continued_from: record.continued_from,
    batch: record.batch,
    webhook: record.webhook && { ...record.webhook, deliveries: record.deliveries ?? [] },
    traceparent: record.traceparent,
    error: error && {
      ...error,
      message: withoutPaths(error.message),
      retryable: JOB_ERRORS[error.code].retryable,
    },
    created_at: record.created_at,
    started_at: record.started_at,
    finished_at: record.finished_at,
    expires_at: record.expires_at,
    links: links(record),
  };
}

const texts = new WeakMap<JobRecord, { etag: string; text: string }>();

/**
 * A job's view as JSON. Most polls ask for what was answered a moment ago: where `etag` says that it is the same, so is the
 * text. Records are those of `JobQueue.look`, which are shared and do not change.
 */
export function jobViewText(record: JobRecord, position: QueuePosition | null, etag: string): string {
  // What a job that has ended shows depends on the time too.
  if (isFinal(record.status)) return JSON.stringify(jobView(record, position));
  const known = texts.get(record);
  if (known?.etag === etag) return known.text;
  const text = JSON.stringify(jobView(record, position));
  texts.set(record, { etag, text });
  return text;
}

function links(record: JobRecord): Record<string, string> {
  const self = jobPath(record.id);
  return {
    self,
    ...(!isFinal(record.status) && { cancel: `${self}/cancel` }),
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

/** The pictures of a job that has expired are gone, or go any moment. */
function isExpired(record: JobRecord): boolean {
  return isFinal(record.status) && isDue(record, Date.now());
}

export function jobPath(id: string): string {
  return `/v1/jobs/${id}`;
}

const LONGEST_RETRY_SECONDS = 30;
/** Of a job whose time nobody can tell: no worker is there, or it has just begun. */
const UNKNOWN_SECONDS = 20;

/**
 * Seconds until it is worth asking again, or null where nothing will change: about a tenth of the time that
 * is left, so that few questions are asked and the end is seen soon after it comes.
 */
export function retryAfter(record: JobRecord, position: QueuePosition | null): number | null {
  if (isFinal(record.status)) return null;
  const left = record.status === "running" ? record.progress?.eta_seconds : position?.eta_seconds;
  return Math.min(LONGEST_RETRY_SECONDS, Math.max(1, Math.ceil((left ?? UNKNOWN_SECONDS) / 10)));
}
