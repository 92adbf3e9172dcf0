import { batchIdParams } from "../../../../../contract/batch.ts";
import { ProblemError } from "../../../../../contract/problems.ts";
import { fileExtension, MEDIA_TYPES, PICTURE_TYPES } from "../../../../../pictures/picture-type.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { zip } from "../../../../files/zip.ts";
import { getBatch } from "../../../../get-batch.ts";
import { binarySchema } from "../../../../openapi/binary.ts";
import { problemResponses } from "../../../../openapi/problem-responses.ts";
import { batchView, findBatchJobs } from "../../../../views/batch-view.ts";

/** GET /v1/batches/{id}/result. */
const result: ApiPlugin = async (app, { queue, store, batches }) => {
  app.get(
    "/result",
    {
      exposeHeadRoute: false,
      config: { scope: "read" },
      schema: {
        operationId: "getBatchResult",
        summary: "Returns the results of a finished batch as a zip file",
        tags: ["batches"],
        params: batchIdParams,
        response: {
          200: { description: "The pictures.", content: { "application/zip": { schema: binarySchema } } },
          ...problemResponses("batch_not_found", "result_not_ready", "no_result", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const batch = await getBatch(batches, request);
      const jobs = await findBatchJobs(queue, batch);
      const { status, counts } = batchView(batch, jobs);
      if (status !== "finished") {
        const detail = `Expected a finished batch, received one with ${counts.queued + counts.running} unfinished jobs`;
        throw new ProblemError("result_not_ready", detail, { retryAfter: 10 });
      }
      const files = jobs.flatMap(({ content, style, record: { result: picture } }) => {
        if (picture === null) return [];
        const name = `content-${content}_style-${style}.${extensionOf(picture.media_type)}`;
        return [{ name, open: async () => (await store.get(picture.key)).stream }];
      });
      if (files.length === 0) {
        throw new ProblemError("no_result", "Expected a batch with results, received one without");
      }
      reply.headers({
        "content-type": "application/zip",
        "content-disposition": `attachment; filename="batch-${batch.id}.zip"`,
        "cache-control": "private, no-store",
      });
      return reply.send(zip(files));
    },
  );
};

export default result;

function extensionOf(mediaType: string): string {
  const type = PICTURE_TYPES.find((one) => MEDIA_TYPES[one] === mediaType);
  return type ? fileExtension(type) : "bin";
}
