import { z } from "zod";
import { batchFormSchema, batchJsonSchema, batchViewSchema } from "../../../../contract/batch.ts";
import type { ApiPlugin } from "../../../dependencies.ts";
import { problemResponses, SUBMISSION_PROBLEMS } from "../../../openapi/problem-responses.ts";
import multipart from "../../../plugins/multipart.ts";
import { checkCapacity } from "../../../submission/check-capacity.ts";
import { idempotencyHeader, withIdempotency } from "../../../submission/idempotency.ts";
import { pictureLimits } from "../../../submission/parsed-submission.ts";
import { requesterOf } from "../../../submission/queue-job.ts";
import { readSubmission } from "../../../submission/read-submission.ts";
import { Spool } from "../../../submission/spool.ts";
import { submitBatch } from "../../../submission/submit-batch.ts";
import { batchPath, batchView, findBatchJobs } from "../../../views/batch-view.ts";

/** POST /v1/batches. */
const batches: ApiPlugin = async (app, dependencies) => {
  const { config, queue, idempotency } = dependencies;
  await app.register(multipart, dependencies);

  app.post(
    "/",
    {
      onRequest: checkCapacity(dependencies),
      config: {
        scope: "submit",
        createsJob: true,
        concurrency: "upload",
        requestBodies: { "multipart/form-data": batchFormSchema, "application/json": batchJsonSchema },
      },
      schema: {
        operationId: "submitBatch",
        summary: "Submits a batch: a job for each content in each style",
        tags: ["batches"],
        headers: z.object(idempotencyHeader),
        response: {
          202: batchViewSchema.describe("All jobs are accepted."),
          ...problemResponses(...SUBMISSION_PROBLEMS, "too_many_jobs"),
        },
      },
    },
    async (request, reply) => {
      const spool = await Spool.open(config.spoolDirectory, config.limits.uploadBytes);
      try {
        const limits = pictureLimits(config.limits.batchJobs, config.limits.batchJobs);
        const body = await readSubmission(request, spool, dependencies, limits);
        const submit = async (id: string) =>
          await submitBatch(dependencies, spool, await body.parse(), id, requesterOf(request));
        const { result: batch, isReplay } = await withIdempotency(
          idempotency,
          request,
          body.fingerprint,
          submit,
        );
        if (isReplay) reply.header("idempotency-replayed", "true");
        reply.code(202).header("location", batchPath(batch.id));
        return batchView(batch, await findBatchJobs(queue, batch));
      } finally {
        await spool.close();
      }
    },
  );
};

export default batches;
