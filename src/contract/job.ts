import { z } from "zod";
import { engineSchema } from "./engine-description.ts";
import { jobStatusSchema } from "./job-status.ts";
import { optionsSchema } from "./options.ts";
import { jobErrorCodeSchema } from "./problems.ts";
import { metadataSchema, prioritySchema } from "./request.ts";
import { webhookViewSchema } from "./webhook.ts";

export { type JobStatus, jobStatusSchema } from "./job-status.ts";

export const lossSchema = z
  .object({
    total: z.number(),
    parts: z
      .record(z.string(), z.number())
      .describe("Every part of the objective by its name, multiplied by its weight: their sum is the total."),
  })
  .meta({ id: "Loss" });
export type Loss = z.infer<typeof lossSchema>;

export const progressSchema = z
  .object({
    step: z.int().min(0).describe("Completed steps."),
    total_steps: z.int().min(1),
    fraction: z.number().min(0).max(1).describe("Completed share of the work; scales count by their cost."),
    scale: z.object({
      index: z.int().min(0),
      count: z.int().min(1),
      width: z.int().min(1),
      height: z.int().min(1),
    }),
    loss: lossSchema.nullable().describe("null before the first step."),
    step_ms: z.number().min(0).nullable().describe("Duration of a step at this scale."),
    eta_seconds: z.number().min(0).nullable().describe("Estimated time until the job ends."),
  })
  .meta({ id: "Progress" });
export type Progress = z.infer<typeof progressSchema>;

const timestamp = z.iso.datetime();

/** A job as clients see it. */
export const jobViewSchema = z
  .object({
    id: z.uuid(),
    status: jobStatusSchema,
    options: optionsSchema.meta({
      id: "Options",
      description: "All options: those of the request, and the preset's for the rest.",
    }),
    progress: progressSchema.nullable(),
    queue: z
      .object({
        position: z.int().min(0).describe("The number of jobs that start before this one."),
        eta_seconds: z
          .number()
          .min(0)
          .nullable()
          .describe("Estimated time until the job starts; null while no worker can paint it."),
        waiting_for: z
          .enum(["earlier_jobs", "worker", "larger_worker"])
          .describe(
            "earlier_jobs: the jobs before it; worker: any worker that can paint; larger_worker: a worker that can paint this size, as no live one can.",
          ),
      })
      .nullable(),
    attempts: z.int().min(0).describe("How often the job has been started."),
    engine: engineSchema.nullable().describe("The engine of the latest attempt; null before the first."),
    priority: prioritySchema,
    metadata: metadataSchema,
    options_version: z.int().min(0).describe("How often the options have been changed since the submission."),
    continued_from: z.uuid().nullable().describe("The job whose result this one continues from."),
    batch: z.uuid().nullable().describe("The batch that the job belongs to."),
    webhook: webhookViewSchema.nullable(),
    traceparent: z
      .string()
      .nullable()
      .describe("The trace that the submission belongs to (W3C Trace Context)."),
    finished_early: z
      .boolean()
      .describe(
        "Whether the result is what the job had painted when it was asked to finish; `progress` has the steps and the scale reached.",
      ),
    error: z.object({ code: jobErrorCodeSchema, message: z.string(), retryable: z.boolean() }).nullable(),
    created_at: timestamp,
    started_at: timestamp.nullable(),
    finished_at: timestamp.nullable(),
    expires_at: timestamp.nullable(),
    links: z.record(z.string(), z.string()).describe("Paths of what belongs to the job and exists."),
  })
  .meta({ id: "Job" });
export type JobView = z.infer<typeof jobViewSchema>;

export const jobIdParams = z.object({ id: z.string().describe("The job's id.") });

/** A page of jobs, newest first. */
export const jobListSchema = z
  .object({
    jobs: z.array(jobViewSchema),
    next_cursor: z.string().nullable().describe("The cursor of the next page; null on the last page."),
  })
  .meta({ id: "JobList" });
export type JobList = z.infer<typeof jobListSchema>;
