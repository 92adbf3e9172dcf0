import { z } from "zod";

/** A server-sent event of a job (WHATWG HTML, section 9.2), as a client's parser returns it. */
export const jobEventSchema = z
  .object({
    event: z.enum(["status", "progress", "preview", "options", "end"]),
    id: z.string().describe("The revision of the job, for `Last-Event-ID`."),
    data: z
      .string()
      .describe(
        "JSON. status: the job; progress: its progress; preview: step, size and href; options: the new options and their version; end: the reason.",
      ),
  })
  .meta({ id: "JobEvent", description: "An event of the stream." });
