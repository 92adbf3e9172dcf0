import type { components, operations } from "./schema.ts";

export type Job = components["schemas"]["Job"];
export type JobList = components["schemas"]["JobList"];
export type Losses = components["schemas"]["Losses"];
export type Presets = components["schemas"]["Presets"];
export type Progress = NonNullable<Job["progress"]>;

type SubmissionBodies = NonNullable<operations["submitJob"]["requestBody"]>["content"];
/** A new job. Pictures are `Blob`s (sent as a form), `{ url }` or `{ base64 }` (sent as JSON). */
export type Submission = SubmissionBodies["multipart/form-data"] | SubmissionBodies["application/json"];
export type SubmissionOptions = NonNullable<Submission["options"]>;
/** Options that can change while a job is queued or running. */
export type OptionsUpdate = operations["updateJobOptions"]["requestBody"]["content"]["application/json"];
/** Changes for a job that continues another one. Omitted options keep their values. */
export type Continuation = NonNullable<
  operations["continueJob"]["requestBody"]
>["content"]["application/json"];

export type PictureFormat = "png" | "jpeg" | "webp" | "avif";

export interface CallSettings {
  signal?: AbortSignal | undefined;
}
