import { z } from "zod";

/** One of the server-sent events of a job (WHATWG HTML, section 9.2), as a client's parser gives it. */
export const jobEventSchema = z
  .object({
    event: z.enum(["status", "progress", "preview", "steered", "end"]),
    id: z.string().describe("The job's revision, for `Last-Event-ID`."),
    data: z
      .string()
      .describe(
        "JSON: of `status` the job view, of `progress` its progress, of `preview` step, size and href, of `steered` how often and the options since, of `end` the reason.",
      ),
  })
  .meta({ id: "JobEvent", description: "One event of the stream." });
