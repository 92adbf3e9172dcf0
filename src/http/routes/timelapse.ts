import { z } from "zod";
import { signedQuery } from "../../contract/links.ts";
import { ProblemError } from "../../contract/problems.ts";
import { type JobRecord, jobFolder, timelapseFolder } from "../../jobs/records/job-record.ts";
import { isFinal } from "../../jobs/records/job-states.ts";
import { MEDIA_TYPES } from "../../pictures/picture-type.ts";
import { joinFrames } from "../../pictures/timelapse.ts";
import type { BlobStore } from "../../storage/blob-store.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { Conversions } from "../files/conversion.ts";
import { sendFile } from "../files/send-file.ts";
import { binarySchema } from "../openapi/binary.ts";
import { problemResponses } from "../openapi/problem-responses.ts";
import { retryAfter } from "../views/job-view.ts";
import { findJob } from "./find-job.ts";

/** GET /v1/jobs/{id}/timelapse: how the picture came about. */
export function timelapseRoutes(app: App, { queue, store }: Dependencies): void {
  const conversions = new Conversions(store);

  app.get(
    "/v1/jobs/:id/timelapse",
    {
      config: { scope: "read", linkable: true },
      schema: {
        operationId: "getTimelapse",
        summary: "Gives the run as an animated WebP, once the job has ended",
        description:
          "Made of pictures kept every `timelapse_interval` steps, at most 48 of them; it ends with the result.",
        tags: ["result"],
        params: z.object({ id: z.string() }),
        querystring: z.object(signedQuery),
        response: {
          200: animation("The animation."),
          206: animation("The part of the animation's file that `Range` asks for."),
          304: z.undefined().describe("The client has the animation already."),
          ...problemResponses(
            "job_not_found",
            "timelapse_not_ready",
            "no_timelapse",
            "result_expired",
            "range_not_satisfiable",
            "unavailable",
          ),
        },
      },
    },
    async (request, reply) => {
      const record = await findJob(queue, request);
      if (!isFinal(record.status)) {
        const detail = `Expected a job that has ended, received a ${record.status} one`;
        throw new ProblemError("timelapse_not_ready", detail, { retryAfter: retryAfter(record, null) ?? 1 });
      }
      if (!record.timelapse) throw noTimelapse(record);
      // A job that is tried again ends again, with other pictures.
      const ended = Date.parse(record.finished_at ?? record.created_at);
      const make = async () => joinFrames(await picturesOf(store, record));
      return await sendFile(request, reply, store, {
        key: await conversions.find(jobFolder(record.id), `timelapse-${ended}`, make),
        mediaType: MEDIA_TYPES.webp,
        etag: `"${record.id}.timelapse.${ended}"`,
        fileName: `timelapse-${record.id}.webp`,
        cacheControl: "private, max-age=300",
      });
    },
  );
}

function animation(description: string) {
  return { description, content: { [MEDIA_TYPES.webp]: { schema: binarySchema } } };
}

/** The kept pictures in the order of their steps, and the result where there is one. */
async function picturesOf(store: BlobStore, record: JobRecord): Promise<Uint8Array[]> {
  const pictures: Uint8Array[] = [];
  for await (const { key } of store.list(timelapseFolder(record.id))) pictures.push(await store.read(key));
  if (record.result) pictures.push(await store.read(record.result.key));
  if (pictures.length === 0) throw noTimelapse(record);
  return pictures;
}

function noTimelapse({ status }: JobRecord): ProblemError {
  const detail = `Expected a job with pictures kept of its run, received a ${status} one without`;
  return new ProblemError("no_timelapse", detail);
}
