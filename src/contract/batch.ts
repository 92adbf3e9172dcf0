import { z } from "zod";
import { jobStatusSchema, jobViewSchema } from "./job.ts";
import { metadataSchema, pictureSourceSchema, submissionFieldsSchema } from "./request.ts";

const oneOrMore = (description: string) =>
  z.union([pictureSourceSchema, z.array(pictureSourceSchema)]).describe(description);

/** POST /v1/batches as application/json. */
export const batchJsonSchema = submissionFieldsSchema
  .extend({
    content: oneOrMore("The contents. Each is painted in each style.").optional(),
    style: oneOrMore("The styles.").optional(),
  })
  .meta({ id: "BatchSubmission" });

const file = z.string().meta({ format: "binary", description: "A JPEG, PNG, WebP or AVIF file." });

/** POST /v1/batches as multipart/form-data. Only documentation: forms are parsed as a stream. */
export const batchFormSchema = z.object({
  ...submissionFieldsSchema.shape,
  content: z.array(file).min(1),
  style: z.array(file).min(1),
});

/** Jobs that were submitted together: every content in every style. */
export const batchViewSchema = z
  .object({
    id: z.uuid(),
    status: z
      .enum(["queued", "running", "finished"])
      .describe("queued: no job has started; finished: every job has succeeded, failed or been canceled."),
    counts: z.record(jobStatusSchema, z.int().min(0)).describe("The number of its jobs by status."),
    fraction: z.number().min(0).max(1).describe("Completed share of the work."),
    metadata: metadataSchema,
    created_at: z.iso.datetime(),
    jobs: z.array(
      z.object({
        content: z.int().min(0).describe("The number of the content, starting with 0."),
        style: z.int().min(0).describe("The number of the style, starting with 0."),
        job: jobViewSchema,
      }),
    ),
    links: z.record(z.string(), z.string()).describe("Paths of what belongs to the batch and exists."),
  })
  .meta({ id: "Batch" });
export type BatchView = z.infer<typeof batchViewSchema>;

export const batchIdParams = z.object({ id: z.string().describe("The batch's id.") });
