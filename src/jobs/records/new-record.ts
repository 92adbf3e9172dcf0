import { LOCAL_OWNER } from "../../contract/auth.ts";
import type { Options } from "../../contract/options.ts";
import type { Webhook } from "../../contract/webhook.ts";
import { estimateCost } from "./cost-model.ts";
import { DEFAULT_PRIORITY, type JobRecord } from "./job-record.ts";

export interface Submission {
  /** A UUID v7 that the caller generated. */
  id: string;
  /** `LOCAL_OWNER` if absent. */
  owner?: string;
  options: Options;
  /** Blob key of the content picture. All pictures must be stored before the job is submitted. */
  content: string;
  styles: string[];
  /** One for each style, or none. */
  style_masks?: string[];
  keep_mask?: string;
  init_picture?: string;
  continued_from?: string;
  batch?: string;
  /** Width · height of the result, if known. */
  pixels?: number;
  webhook?: Webhook;
  traceparent?: string;
  metadata?: Record<string, unknown>;
  /** 1 (first) to 100 (last). */
  priority?: number;
  /** Seconds from now until the job and its pictures are deleted. */
  expires_in?: number;
}

/** Makes the record of a new job. `now` (ms, by Redis' clock) is when its `expires_in` starts to count. */
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
    options_version: 0,
    cost: estimateCost(submission.options, submission.pixels),
    webhook: submission.webhook ?? null,
    deliveries: null,
    traceparent: submission.traceparent ?? null,
    attempts: 0,
    attempt_id: null,
    worker: null,
    engine: null,
    progress: null,
    finish_requested: null,
    finished_early: null,
    error: null,
    result: null,
    raw_result: null,
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
