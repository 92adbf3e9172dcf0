export { type ApiClient, type ApiClientSettings, createApiClient } from "./api-client.ts";
export { isFinal, type JobUpdate } from "./follow-job.ts";
export type { EventSettings, JobEvent, Preview } from "./job-events.ts";
export { JobFailedError, NstClient, type NstClientSettings, type WaitSettings } from "./nst-client.ts";
export { type Problem, ProblemError, unwrap } from "./problem-error.ts";
export type { components, operations, paths } from "./schema.ts";
export type * from "./types.ts";
