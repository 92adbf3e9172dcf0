import { LOCAL_OWNER } from "../../contract/auth.ts";
import { workOf } from "../dispatch/work.ts";
import type { Submission } from "../job-queue.ts";
import { DEFAULT_PRIORITY, type JobRecord } from "./job-record.ts";

/** The record of a job that was submitted just now; where it is to expire, at `now` (ms) and its time from then on. */
export function newRecord(submission: Submission, now: number = Date.now()): JobRecord {
  const { expires_in } = submission;
  return {
    id: submission.id,
    owner: submission.owner ?? LOCAL_OWNER,
    status: "queued",
    revision: 1,
    priority: submission.priority ?? DEFAULT_PRIORITY,
    options: submission.options,
    metadata: submission.metadata ?? {},
    content: submission.content,
    styles: submission.styles,
    style_masks: submission.style_masks ?? null,
    keep_mask: submission.keep_mask ?? null,
    init_picture: submission.init_picture ?? null,
    continued_from: submission.continued_from ?? null,
    batch: submission.batch ?? null,
    steered: 0,
    work: workOf(submission.options, submission.pixels),
    webhook: submission.webhook ?? null,
    deliveries: null,
    traceparent: submission.traceparent ?? null,
    attempts: 0,
    run: null,
    worker: null,
    engine: null,
    progress: null,
    error: null,
    result: null,
    state: null,
    preview: null,
    timelapse: null,
    checkpoint: null,
    losses: null,
    created_at: new Date().toISOString(),
    started_at: null,
    finished_at: null,
    expires_at: expires_in === undefined ? null : new Date(now + expires_in * 1000).toISOString(),
  };
}
