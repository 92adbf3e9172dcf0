import { z } from "zod";
import { requestOptionsSchema } from "./options.ts";
import { webhookSchema } from "./webhook.ts";

/** The maximum size of a form's field that is no picture, in bytes. */
export const FIELD_LENGTH = 64 * 1024;
/** The maximum length of a picture's URL, in characters. */
export const URL_LENGTH = 4096;
/** The maximum length of `metadata` as JSON, in characters. */
const METADATA_LENGTH = 4096;

export const metadataSchema = z
  .record(z.string().min(1).max(64), z.unknown())
  .refine((metadata) => JSON.stringify(metadata).length <= METADATA_LENGTH, {
    error: `expected at most ${METADATA_LENGTH} characters of JSON`,
  })
  .describe("A small object with the client's own data, returned in the job view.");

export const prioritySchema = z
  .int()
  .min(1)
  .max(100)
  .describe(
    "The order among the owner's jobs: 1 starts first, 100 last; the default is 50. Owners are served in turn.",
  );

const expiresInSchema = z
  .int()
  .min(60)
  .max(10 * 365 * 24 * 3600)
  .describe("After how many seconds the job and its pictures are deleted.");

/** The fields besides the pictures, the same in a form and in JSON. */
export const submissionFieldsSchema = z.strictObject({
  options: requestOptionsSchema.default({}),
  metadata: metadataSchema.default({}),
  priority: prioritySchema.optional(),
  expires_in: expiresInSchema.optional(),
  webhook: webhookSchema.optional(),
});
export type SubmissionFields = z.infer<typeof submissionFieldsSchema>;

/** POST /v1/jobs/{id}/continue: options that are omitted have the values of the previous job. */
export const continuationSchema = submissionFieldsSchema.extend({
  options: requestOptionsSchema
    .omit({ preset: true, init: true, init_blend: true })
    .meta({
      id: "ContinuationOptions",
      description:
        "`steps` is the number of further steps; they are all at the full size unless `scales` is set.",
    })
    .default({}),
});
export type Continuation = z.infer<typeof continuationSchema>;

/** The service decodes pictures while it reads the body; then their places in the text hold numbers. */
const base64Schema = z.string().min(1).meta({
  contentEncoding: "base64",
  description: "The bytes of the file, also as a `data:` URI, with line breaks or without padding.",
});

export const pictureSourceSchema = z
  .union([
    z.strictObject({
      url: z
        .string()
        .min(1)
        .max(URL_LENGTH)
        .describe(
          "http or https, which the service downloads before it responds, or a `data:` URI in base64.",
        ),
    }),
    z.strictObject({ base64: base64Schema }),
  ])
  .meta({ id: "PictureSource", description: "A picture, by its URL or in base64." });
export type PictureSourceInput = z.infer<typeof pictureSourceSchema>;

/** POST /v1/jobs as application/json. */
export const submitJsonSchema = submissionFieldsSchema
  .extend({
    content: pictureSourceSchema.optional(),
    style: z.union([pictureSourceSchema, z.array(pictureSourceSchema)]).optional(),
    style_mask: z
      .union([pictureSourceSchema, z.array(pictureSourceSchema)])
      .optional()
      .describe(
        "Where each style is applied: white where it is, black where it is not. One mask for each style, in the same order.",
      ),
    keep_mask: pictureSourceSchema.optional().describe("Where the content is kept unchanged: white."),
    init_picture: pictureSourceSchema
      .optional()
      .describe("The picture to start from; implies the option `init`: `picture`."),
  })
  .meta({ id: "Submission" });

const file = z.string().meta({ format: "binary", description: "A JPEG, PNG, WebP or AVIF file." });

/** POST /v1/jobs as multipart/form-data. Only documentation: forms are parsed as a stream. */
export const submitFormSchema = z.object({
  content: file,
  style: z.array(file).min(1),
  style_mask: z
    .array(file)
    .optional()
    .describe(
      "Where each style is applied: white where it is, black where it is not. One mask for each style, in the same order.",
    ),
  keep_mask: file.optional().describe("Where the content is kept unchanged: white."),
  init_picture: file.optional().describe("The picture to start from; implies the option `init`: `picture`."),
  options: requestOptionsSchema.optional().describe("The options as JSON."),
  metadata: metadataSchema.optional().describe("The metadata as JSON."),
  priority: prioritySchema.optional(),
  expires_in: expiresInSchema.optional(),
  webhook: webhookSchema.optional(),
});
