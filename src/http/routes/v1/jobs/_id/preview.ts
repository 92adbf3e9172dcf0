import { z } from "zod";
import { jobIdParams } from "../../../../../contract/job.ts";
import { signedQuery } from "../../../../../contract/links.ts";
import { ProblemError } from "../../../../../contract/problems.ts";
import { isFinal } from "../../../../../jobs/records/job-states.ts";
import { MEDIA_TYPES } from "../../../../../pictures/picture-type.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { strongEtag } from "../../../../files/etag.ts";
import { sendFile } from "../../../../files/send-file.ts";
import { getJob } from "../../../../get-job.ts";
import { binarySchema } from "../../../../openapi/binary.ts";
import { problemResponses } from "../../../../openapi/problem-responses.ts";
import { retryAfter } from "../../../../views/job-view.ts";

/** GET /v1/jobs/{id}/preview. */
const preview: ApiPlugin = async (app, { queue, store }) => {
  app.get(
    "/preview",
    {
      config: { scope: "read", signedLinks: true },
      schema: {
        operationId: "getPreview",
        summary: "Returns the latest intermediate picture",
        tags: ["result"],
        params: jobIdParams,
        querystring: z.object(signedQuery),
        response: {
          200: {
            description: "The picture at a recent step.",
            content: Object.fromEntries(
              [MEDIA_TYPES.jpeg, MEDIA_TYPES.webp].map((type) => [type, { schema: binarySchema }] as const),
            ),
          },
          304: z.undefined().describe("The client already has the latest preview."),
          ...problemResponses(
            "job_not_found",
            "preview_not_ready",
            "no_preview",
            "result_expired",
            "unavailable",
          ),
        },
      },
    },
    async (request, reply) => {
      const record = await getJob(queue, request);
      const { preview: latest } = record;
      if (!latest) {
        const detail = `Expected a job with a preview, received a ${record.status} one without`;
        if (isFinal(record.status)) throw new ProblemError("no_preview", detail);
        throw new ProblemError("preview_not_ready", detail, { retryAfter: retryAfter(record, null) ?? 1 });
      }
      return await sendFile(request, reply, store, {
        key: latest.key,
        mediaType: latest.media_type,
        etag: strongEtag(`${latest.key} ${latest.step}`),
        fileName: `preview-${record.id}-${latest.step}.${latest.media_type.split("/")[1]}`,
        cacheControl: "private, no-cache",
      });
    },
  );
};

export default preview;
