import { z } from "zod";
import { jobStatusSchema, jobViewSchema } from "./job.ts";
import { metadataSchema, pictureSourceSchema, submissionFieldsSchema } from "./request.ts";

const several = (what: string) => z.union([pictureSourceSchema, z.array(pictureSourceSchema)]).describe(what);

/** POST /v1/batches as application/json. */
export const batchJsonSchema = submissionFieldsSchema.extend({
  content: several("The contents: each is painted in each style.").optional(),
  style: several("The styles.").optional(),
});

const file = z.string().meta({ format: "binary", description: "A JPEG, PNG, WebP or AVIF file." });

/** POST /v1/batches as multipart/form-data: for the description only, the form is read as a stream. */
export const batchFormSchema = z.object({
  ...submissionFieldsSchema.shape,
  content: z.array(file).min(1),
  style: z.array(file).min(1),
});

/** Several jobs that were submitted as one: every content in every style. */
export const batchViewSchema = z
  .object({
    id: z.uuid(),
    status: z
      .enum(["queued", "running", "finished"])
      .describe("queued: none has begun; finished: all have ended, well or not."),
    counts: z.record(jobStatusSchema, z.int().min(0)).describe("Its jobs by status."),
    fraction: z.number().min(0).max(1).describe("Share of the work that is done."),
    metadata: metadataSchema,
    created_at: z.iso.datetime(),
    jobs: z.array(
      z.object({
        content: z.int().min(0).describe("Which of the contents, counted from 0."),
        style: z.int().min(0).describe("Which of the styles, counted from 0."),
        job: jobViewSchema,
      }),
    ),
    links: z.record(z.string(), z.string()),
  })
  .meta({ id: "Batch" });
export type BatchView = z.infer<typeof batchViewSchema>;
