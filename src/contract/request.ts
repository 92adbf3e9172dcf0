import { z } from "zod";
import { requestOptionsSchema } from "./options.ts";
import { webhookSchema } from "./webhook.ts";

/** Longest form field and longest `metadata`, in characters. */
export const FIELD_LENGTH = 64 * 1024;
const METADATA_LENGTH = 4096;

export const metadataSchema = z
  .record(z.string().min(1).max(64), z.unknown())
  .refine((metadata) => JSON.stringify(metadata).length <= METADATA_LENGTH, {
    error: `expected at most ${METADATA_LENGTH} characters of JSON`,
  })
  .describe("A small object of the client's own, given back in the job view.");

export const prioritySchema = z
  .int()
  .min(1)
  .max(100)
  .describe("1 is the first of its owner's jobs, 100 the last; 50 is usual. Owners are served in turn.");

const expiresInSchema = z
  .int()
  .min(60)
  .max(10 * 365 * 24 * 3600)
  .describe("Seconds from now after which the job and its pictures are forgotten.");

/** What goes with the pictures, the same in a form and in JSON. */
export const submissionFieldsSchema = z.strictObject({
  options: requestOptionsSchema.default({}),
  metadata: metadataSchema.default({}),
  priority: prioritySchema.optional(),
  expires_in: expiresInSchema.optional(),
  webhook: webhookSchema.optional(),
});
export type SubmissionFields = z.infer<typeof submissionFieldsSchema>;

/** POST /v1/jobs/{id}/continue: what is left out is as it was in the job before. */
export const continuationSchema = submissionFieldsSchema.extend({
  options: requestOptionsSchema
    .omit({ preset: true, init: true, init_blend: true })
    .default({})
    .describe("`steps` are further ones; all of them at the full size unless `scales` says otherwise."),
});
export type Continuation = z.infer<typeof continuationSchema>;

/** Checked without the usual pattern, whose backtracking does not survive a text of many megabytes. */
const base64Schema = z
  .string()
  .min(1)
  .refine((text) => text.length % 4 === 0 && !/[^A-Za-z0-9+/=]|=[^=]/.test(text), {
    error: "expected base64 (RFC 4648)",
  })
  .meta({ contentEncoding: "base64", description: "The file's bytes." });

export const pictureSourceSchema = z
  .union([
    z.strictObject({
      url: z.string().min(1).max(4096).describe("http or https; fetched by the service at once."),
    }),
    z.strictObject({ base64: base64Schema }),
  ])
  .describe("Where a picture comes from.");
export type PictureSourceInput = z.infer<typeof pictureSourceSchema>;

/** POST /v1/jobs as application/json. */
export const submitJsonSchema = submissionFieldsSchema.extend({
  content: pictureSourceSchema.optional(),
  style: z.union([pictureSourceSchema, z.array(pictureSourceSchema)]).optional(),
  style_mask: z
    .union([pictureSourceSchema, z.array(pictureSourceSchema)])
    .optional()
    .describe("Where each style goes, white: there, black: not there; one for each style, in their order."),
  keep_mask: pictureSourceSchema.optional().describe("What of the content stays as it is: white."),
  init_picture: pictureSourceSchema
    .optional()
    .describe("What the picture starts as; implies `init` picture."),
});

const file = z.string().meta({ format: "binary", description: "A JPEG, PNG, WebP or AVIF file." });

/** POST /v1/jobs as multipart/form-data: for the description only, the form is read as a stream. */
export const submitFormSchema = z.object({
  content: file,
  style: z.array(file).min(1),
  style_mask: z
    .array(file)
    .optional()
    .describe("Where each style goes, white: there, black: not there; one for each style, in their order."),
  keep_mask: file.optional().describe("What of the content stays as it is: white."),
  init_picture: file.optional().describe("What the picture starts as; implies `init` picture."),
  options: requestOptionsSchema.optional().describe("The options as JSON."),
  metadata: metadataSchema.optional().describe("The metadata as JSON."),
  priority: prioritySchema.optional(),
  expires_in: expiresInSchema.optional(),
  webhook: webhookSchema.optional(),
});
