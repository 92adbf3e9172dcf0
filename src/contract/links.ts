import { z } from "zod";

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
});

export const linksSchema = z
  .object({
    expires_at: z.iso.datetime(),
    links: z
      .record(z.enum(LINKABLE), z.string())
      .describe("Paths that anyone can GET without a key until then. `format` and `quality` can be added."),
  })
  .meta({ id: "SignedLinks" });

/** The query parameters of a signed link. */
export const signedQuery = {
  expires: z.coerce.number().int().optional().describe("When the signed link expires, in Unix seconds."),
  signature: z.string().optional().describe("The signature of the signed link."),
};
