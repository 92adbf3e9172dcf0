import { z } from "zod";

/** What of a job a signed link can lead to. */
export const LINKABLE = ["result", "preview", "timelapse"] as const;

const LONGEST_SECONDS = 7 * 24 * 3600;

export const linkRequestSchema = z.strictObject({
  expires_in: z
    .int()
    .min(1)
    .max(LONGEST_SECONDS)
    .default(3600)
    .describe("Seconds for which the links are good; at most a week."),
});

export const linksSchema = z
  .object({
    expires_at: z.iso.datetime(),
    links: z
      .record(z.enum(LINKABLE), z.string())
      .describe("Paths that anybody may GET without a key until then. `format` and `quality` may be added."),
  })
  .meta({ id: "SignedLinks" });

/** Query of a path that a signed link may lead to. */
export const signedQuery = {
  expires: z.coerce
    .number()
    .int()
    .optional()
    .describe("Of a signed link: until when it is good (Unix seconds)."),
  signature: z.string().optional().describe("Of a signed link."),
};
