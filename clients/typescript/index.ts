export { type ApiClient, type ClientSettings, createApiClient } from "./client.ts";
export type { EventSettings, JobEvent, Preview, Progress } from "./events.ts";
export { isFinal, type JobUpdate } from "./follow.ts";
export {
  type Cancelable,
  JobFailedError,
  Painter,
  type PainterSettings,
  type PictureFormat,
  type WaitSettings,
} from "./painter.ts";
export { type Problem, ProblemError, unwrap } from "./problem-error.ts";
export type { components, operations, paths } from "./schema.ts";
export type {
  Continuation,
  Job,
  JobList,
  Losses,
  Presets,
  Steering,
  Submission,
  SubmissionOptions,
} from "./types.ts";
