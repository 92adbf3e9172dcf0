import { z } from "zod";
import { engineSchema } from "./engine.ts";
import { optionsSchema } from "./options.ts";
import { jobErrorCodeSchema } from "./problems.ts";
import { metadataSchema, prioritySchema } from "./request.ts";
import { jobStatusSchema } from "./status.ts";
import { webhookViewSchema } from "./webhook.ts";

export { type JobStatus, jobStatusSchema } from "./status.ts";

export const lossSchema = z
  .object({
    total: z.number(),
    content: z.number(),
    style: z.number(),
    tv: z.number(),
  })
  .meta({ id: "Loss" });
/** The loss and its parts, each already multiplied by its weight: total = content + style + tv. */
export type Loss = z.infer<typeof lossSchema>;

export const progressSchema = z
  .object({
    step: z.int().min(0).describe("Steps done."),
    total_steps: z.int().min(1),
    fraction: z
      .number()
      .min(0)
      .max(1)
      .describe("Share of the work that is done, each scale weighed by its cost."),
    scale: z.object({
      index: z.int().min(0),
      count: z.int().min(1),
      width: z.int().min(1),
      height: z.int().min(1),
    }),
    loss: lossSchema.nullable().describe("null before the first step."),
    step_ms: z.number().min(0).nullable().describe("Time of a step at this scale."),
    eta_seconds: z.number().min(0).nullable(),
  })
  .meta({ id: "Progress" });
export type Progress = z.infer<typeof progressSchema>;

const timestamp = z.iso.datetime();

/** A job as a client sees it. */
export const jobViewSchema = z
  .object({
    id: z.uuid(),
    status: jobStatusSchema,
    options: optionsSchema.meta({
      id: "Options",
      description: "As resolved from the preset and the request.",
    }),
    progress: progressSchema.nullable(),
    queue: z
      .object({
        position: z.int().min(0).describe("Jobs that will be taken before this one."),
        eta_seconds: z
          .number()
          .min(0)
          .nullable()
          .describe("Until it is taken, as far as can be told; null while no worker can paint it."),
        waiting_for: z
          .enum(["turn", "worker", "fitting_worker"])
          .describe(
            "turn: for the jobs before it; worker: that any worker can paint; fitting_worker: that one comes which takes jobs of this size, as none that lives does.",
          ),
      })
      .nullable(),
    attempts: z.int().min(0).describe("Starts so far."),
    engine: engineSchema
      .nullable()
      .describe("What the latest attempt is painted with; null before the first one has an engine."),
    priority: prioritySchema,
    metadata: metadataSchema,
    steered: z.int().min(0).describe("How often the options were changed since the job was submitted."),
    continued_from: z.uuid().nullable().describe("The job whose last state this one goes on from."),
    batch: z.uuid().nullable().describe("The batch that the job belongs to."),
    webhook: webhookViewSchema.nullable(),
    traceparent: z
      .string()
      .nullable()
      .describe("The submission's place among other services' requests (W3C Trace Context)."),
    error: z.object({ code: jobErrorCodeSchema, message: z.string(), retryable: z.boolean() }).nullable(),
    created_at: timestamp,
    started_at: timestamp.nullable(),
    finished_at: timestamp.nullable(),
    expires_at: timestamp.nullable(),
    links: z.record(z.string(), z.string()).describe("Paths of what belongs to the job and exists by now."),
  })
  .meta({ id: "Job" });
export type JobView = z.infer<typeof jobViewSchema>;

/** A page of the list, newest first. */
export const jobListSchema = z
  .object({
    jobs: z.array(jobViewSchema),
    next_cursor: z.string().nullable().describe("For the page of older jobs; null where there are none."),
  })
  .meta({ id: "JobList" });
export type JobList = z.infer<typeof jobListSchema>;
