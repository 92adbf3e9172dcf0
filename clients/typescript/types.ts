import type { components, operations } from "./schema.ts";

export type Job = components["schemas"]["Job"];
export type JobList = components["schemas"]["JobList"];
export type Losses = components["schemas"]["Losses"];
export type Presets = components["schemas"]["Presets"];

type SubmissionBodies = NonNullable<operations["submitJob"]["requestBody"]>["content"];
/** What a job is submitted with: pictures as `Blob`s (a form), or as `{ url }` or `{ base64 }` (JSON). */
export type Submission = SubmissionBodies["multipart/form-data"] | SubmissionBodies["application/json"];
/** The options of a job that can be changed while it waits or runs. */
export type Steering = operations["steerJob"]["requestBody"]["content"]["application/json"];
/** What a job goes on with: further steps, other weights, another size; what is left out is as it was. */
export type Continuation = NonNullable<
  operations["continueJob"]["requestBody"]
>["content"]["application/json"];
export type SubmissionOptions = NonNullable<Submission["options"]>;
