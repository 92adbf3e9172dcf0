import type { JobView } from "./job.ts";
import { resolveOptions } from "./presets.ts";
import { PROBLEMS, type Problem, type ProblemCode } from "./problems.ts";

/** Requests and responses for the OpenAPI document; a test validates each against its schema. */

const ID = "0199f3a2-6c1e-7d40-9b52-3f8a1c7e5d06";
const WEBHOOK = { url: "https://example.com/hooks/paintings", events: ["job.succeeded", "job.failed"] };
const METADATA = { order: "A-1042" };

/** The `options` of a request; the preset sets the others. */
export const requestOptionsExample = { preset: "balanced", size: 768, style_weight: 6, seed: 7 } as const;

/** POST /v1/jobs as application/json. */
export const submitJsonExample = {
  content: { url: "https://example.com/pictures/harbour.jpg" },
  style: [{ url: "https://example.com/pictures/starry-night.jpg" }],
  options: requestOptionsExample,
  metadata: METADATA,
  webhook: WEBHOOK,
};

/** POST /v1/jobs as a form: pictures are files, objects are JSON. */
export const submitFormExample = {
  content: "(the bytes of harbour.jpg)",
  style: ["(the bytes of starry-night.jpg)"],
  options: requestOptionsExample,
  metadata: METADATA,
  priority: 10,
  expires_in: 86_400,
};

const path = `/v1/jobs/${ID}`;
const queuedLinks = {
  ...{ self: path, cancel: `${path}/cancel`, events: `${path}/events` },
  ...{ content: `${path}/content`, style_0: `${path}/styles/0` },
};

const queued: JobView = {
  ...{ id: ID, status: "queued", options: resolveOptions(requestOptionsExample, 7) },
  ...{
    progress: null,
    queue: { position: 3, eta_seconds: 240, waiting_for: "earlier_jobs" },
    attempts: 0,
    engine: null,
  },
  ...{ priority: 50, metadata: METADATA, options_version: 0, continued_from: null, batch: null },
  webhook: { url: WEBHOOK.url, events: ["job.succeeded", "job.failed"], deliveries: [] },
  ...{ traceparent: null, finished_early: false, error: null },
  ...{ created_at: "2026-03-02T09:30:00.000Z", started_at: null, finished_at: null, expires_at: null },
  links: queuedLinks,
};

const running: JobView = {
  ...queued,
  ...{ status: "running", queue: null, attempts: 1, started_at: "2026-03-02T09:34:02.000Z" },
  progress: {
    ...{ step: 40, total_steps: 80, fraction: 0.1 },
    scale: { index: 2, count: 4, width: 384, height: 256 },
    loss: { total: 3.03, parts: { content: 1.12, neighbors: 0.31, gram: 1.59, range: 0.01 } },
    ...{ step_ms: 210, eta_seconds: 134 },
  },
  engine: {
    ...{ device: "cpu", name: "AMD EPYC 7B13", kernels: "avx2", tensorflow: "2.21.0", memory_mib: 2048 },
  },
  links: { ...queuedLinks, finish: `${path}/finish`, preview: `${path}/preview`, losses: `${path}/losses` },
};

const { cancel: _, finish: __, ...endedLinks } = running.links;

const succeeded: JobView = {
  ...running,
  ...{ status: "succeeded", finished_at: "2026-03-02T09:36:31.000Z", expires_at: "2026-03-09T09:36:31.000Z" },
  progress: {
    ...{ step: 80, total_steps: 80, fraction: 1 },
    scale: { index: 3, count: 4, width: 768, height: 512 },
    loss: { total: 4.83, parts: { content: 0.94, details: 3.06, gram: 0.82, range: 0.01 } },
    ...{ step_ms: 840, eta_seconds: 0 },
  },
  links: {
    ...endedLinks,
    ...{ timelapse: `${path}/timelapse`, result: `${path}/result`, continue: `${path}/continue` },
  },
};

const failed: JobView = {
  ...running,
  ...{ status: "failed", finished_at: succeeded.finished_at, expires_at: succeeded.expires_at },
  error: {
    code: "out_of_memory",
    message: "Expected a picture that fits into 2048 MiB, received one that needs 2310 MiB",
    retryable: false,
  },
  links: endedLinks,
};

const canceled: JobView = {
  ...queued,
  ...{ status: "canceled", queue: null },
  ...{ finished_at: "2026-03-02T09:31:10.000Z", expires_at: "2026-03-09T09:31:10.000Z" },
  links: { self: path, events: `${path}/events`, content: `${path}/content`, style_0: `${path}/styles/0` },
};

/** A job in each status. */
export const jobExamples = { queued, running, succeeded, failed, canceled };

/** The same job with another id. */
export function jobOf(view: JobView, id: string): JobView {
  return JSON.parse(JSON.stringify(view).replaceAll(ID, id)) as JobView;
}

/** The most frequent problems, with details as the service writes them. */
const DETAILS: Partial<Record<ProblemCode, string>> = {
  invalid_options: "options.steps: expected at most 20000, received 50000",
  invalid_request: 'query.limit: expected at most 100, received "500"',
  missing_style: "style: expected a picture, received nothing",
  picture_too_large: "content: expected at most 33554432 bytes, received more than that",
  unsupported_picture: "content: expected a file of type jpeg, png, webp, avif, received a GIF file",
  unauthorized: "Expected an API key (Authorization: Bearer nst_…), received no key",
  forbidden: "Expected a key with the scope submit, received one with read",
  job_not_found: `Expected the id of an existing job, received "${ID}"`,
  result_not_ready: "Expected a succeeded job, received a running one",
  result_expired: "The pictures of the job have been deleted",
  rate_limited: "Expected at most 600 requests per minute, received more",
  quota_exceeded: "This owner already has 100 queued jobs, which is the limit",
  queue_full: "1000 jobs are queued already, which is the limit",
  unavailable: "The queue cannot be reached",
};

/** The most frequent problems. */
export const problemExamples: Problem[] = Object.entries(DETAILS).map(([name, detail]) => {
  const code = name as ProblemCode;
  const { status, title, retryable } = PROBLEMS[code];
  return { type: `/docs#problem-${code}`, title, status, code, detail, retryable, instance: "/v1/jobs" };
});

/** The webhook message of a job that changes to this status. */
export function webhookExample(status: keyof typeof jobExamples) {
  const data = jobExamples[status];
  return {
    type: `job.${status}`,
    timestamp: data.finished_at ?? data.started_at ?? data.created_at,
    // Webhooks do not contain the position: reading it costs a request to Redis.
    data: { ...data, queue: null },
  };
}
