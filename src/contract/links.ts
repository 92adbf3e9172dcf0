import { z } from "zod";
import { outputSchema } from "./options.ts";

/** The resources of a job that a signed link can give access to. */
export const LINKABLE = ["result", "preview", "timelapse"] as const;

const MAX_SECONDS = 7 * 24 * 3600;

export const linkRequestSchema = z.strictObject({
  expires_in: z
    .int()
    .min(1)
    .max(MAX_SECONDS)
    .default(3600)
    .describe("How long the links are valid, in seconds; at most a week."),
  format: outputSchema.shape.format.optional().describe("File format of the result."),
  quality: z.int().min(1).max(100).optional().describe("Quality of the result in a lossy format."),
});

export const linksSchema = z
  .object({
    expires_at: z.iso.datetime(),
    links: z
      .record(z.enum(LINKABLE), z.string())
      .describe("Paths that anyone can GET without a key until then. Nothing can be added to them."),
  })
  .meta({ id: "SignedLinks" });

/** The query parameters of a signed link. */
export const signedQuery = {
  expires: z.coerce.number().int().optional().describe("When the signed link expires, in Unix seconds."),
  signature: z.string().optional().describe("The signature of the signed link."),
};
