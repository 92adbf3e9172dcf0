import { batchIdParams, batchViewSchema } from "../../../../../contract/batch.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { getBatch } from "../../../../get-batch.ts";
import { jsonResponse } from "../../../../openapi/json-response.ts";
import { problemResponses } from "../../../../openapi/problem-responses.ts";
import { batchView, findBatchJobs } from "../../../../views/batch-view.ts";

/** POST /v1/batches/{id}/cancel. */
const cancel: ApiPlugin = async (app, { queue, batches }) => {
  app.post(
    "/cancel",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "cancelBatch",
        summary: "Cancels all queued and running jobs of a batch",
        tags: ["batches"],
        params: batchIdParams,
        response: {
          200: jsonResponse("The batch; its jobs have ended.", batchViewSchema),
          ...problemResponses("batch_not_found", "unavailable"),
        },
      },
    },
    async (request) => {
      const batch = await getBatch(batches, request);
      await Promise.all(batch.jobs.map(({ id }) => queue.cancel(id)));
      return batchView(batch, await findBatchJobs(queue, batch));
    },
  );
};

export default cancel;
