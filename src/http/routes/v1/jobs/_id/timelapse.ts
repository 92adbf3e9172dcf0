import { z } from "zod";
import { jobIdParams } from "../../../../../contract/job.ts";
import { signedQuery } from "../../../../../contract/links.ts";
import { ProblemError } from "../../../../../contract/problems.ts";
import { timelapseFolder } from "../../../../../jobs/records/job-blobs.ts";
import type { JobRecord } from "../../../../../jobs/records/job-record.ts";
import { isFinal } from "../../../../../jobs/records/job-states.ts";
import { MEDIA_TYPES } from "../../../../../pictures/picture-type.ts";
import type { BlobStore } from "../../../../../storage/blob-store.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { sendFile } from "../../../../files/send-file.ts";
import { getJob } from "../../../../get-job.ts";
import { binarySchema } from "../../../../openapi/binary.ts";
import { problemResponses } from "../../../../openapi/problem-responses.ts";
import { retryAfter } from "../../../../views/job-view.ts";

/** GET /v1/jobs/{id}/timelapse. */
const timelapse: ApiPlugin = async (app, { queue, store, derivedPictures }) => {
  app.get(
    "/timelapse",
    {
      config: { scope: "read", signedLinks: true },
      schema: {
        operationId: "getTimelapse",
        summary: "Returns an animated WebP of a job that has ended",
        description: "It has a frame every `timelapse_interval` steps, at most 48, and ends with the result.",
        tags: ["result"],
        params: jobIdParams,
        querystring: z.object(signedQuery),
        response: {
          200: animationResponse("The animation."),
          206: animationResponse("The part of the file that `Range` selects."),
          304: z.undefined().describe("The client already has the animation."),
          ...problemResponses("job_not_found", "timelapse_not_ready", "no_timelapse", "result_expired"),
          ...problemResponses("range_not_satisfiable", "too_many_conversions", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const record = await getJob(queue, request);
      if (!isFinal(record.status)) {
        const detail = `Expected a job that has ended, received a ${record.status} one`;
        const seconds = retryAfter(record, null) ?? 1;
        throw new ProblemError("timelapse_not_ready", detail, { retryAfter: seconds });
      }
      if (!record.timelapse) throw noTimelapse(record);
      // A retried job ends again, with other pictures.
      const ended = Date.parse(record.finished_at ?? record.created_at);
      const name = `timelapse-${ended}`;
      const derivation = { name, sources: await frameKeys(store, record), output: "animation" as const };
      return await sendFile(request, reply, store, {
        key: await derivedPictures.getOrCreate(record, derivation, reply),
        mediaType: MEDIA_TYPES.webp,
        etag: `"${record.id}.timelapse.${ended}"`,
        fileName: `timelapse-${record.id}.webp`,
        cacheControl: "private, max-age=300",
      });
    },
  );
};

export default timelapse;

function animationResponse(description: string) {
  return { description, content: { [MEDIA_TYPES.webp]: { schema: binarySchema } } };
}

/** The keys of the stored frames in the order of their steps, and of the result if there is one. */
async function frameKeys(store: BlobStore, record: JobRecord): Promise<string[]> {
  const frames: string[] = [];
  for await (const { key } of store.list(timelapseFolder(record.id))) frames.push(key);
  if (record.result) frames.push(record.result.key);
  if (frames.length === 0) throw noTimelapse(record);
  return frames;
}

function noTimelapse({ status }: JobRecord): ProblemError {
  return new ProblemError(
    "no_timelapse",
    `Expected a job with timelapse frames, received a ${status} one without`,
  );
}
