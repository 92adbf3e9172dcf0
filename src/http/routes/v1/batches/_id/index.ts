import { z } from "zod";
import { batchIdParams, batchViewSchema } from "../../../../../contract/batch.ts";
import { deleteJobBlobs } from "../../../../../jobs/pictures/delete-blobs.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { getBatch } from "../../../../get-batch.ts";
import { jsonResponse } from "../../../../openapi/json-response.ts";
import { problemResponses } from "../../../../openapi/problem-responses.ts";
import { batchView, findBatchJobs } from "../../../../views/batch-view.ts";

/** GET and DELETE /v1/batches/{id}. */
const batch: ApiPlugin = async (app, { queue, store, batches }) => {
  app.get(
    "/",
    {
      config: { scope: "read" },
      schema: {
        operationId: "getBatch",
        summary: "Returns the status of a batch and its jobs",
        tags: ["batches"],
        params: batchIdParams,
        response: {
          200: jsonResponse("The batch.", batchViewSchema),
          ...problemResponses("batch_not_found", "unavailable"),
        },
      },
    },
    async (request) => {
      const found = await getBatch(batches, request);
      return batchView(found, await findBatchJobs(queue, found));
    },
  );

  app.delete(
    "/",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "deleteBatch",
        summary: "Deletes a batch, its jobs and their pictures",
        tags: ["batches"],
        params: batchIdParams,
        response: {
          204: z.undefined().describe("The batch is deleted."),
          ...problemResponses("batch_not_found", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const found = await getBatch(batches, request);
      for (const { id } of found.jobs) {
        if (await queue.delete(id)) await deleteJobBlobs(queue.pictures, store, id);
      }
      await batches.delete(found.id);
      return reply.code(204).send();
    },
  );
};

export default batch;
