import { z } from "zod";
import { batchFormSchema, batchJsonSchema, batchViewSchema } from "../../../../contract/batch.ts";
import type { ApiPlugin } from "../../../dependencies.ts";
import { jsonResponse } from "../../../openapi/json-response.ts";
import { problemResponses, SUBMISSION_PROBLEMS } from "../../../openapi/problem-responses.ts";
import submissionBodies from "../../../plugins/submission-bodies.ts";
import { acceptSubmission } from "../../../submission/accept-submission.ts";
import { checkCapacity } from "../../../submission/check-capacity.ts";
import { idempotencyHeader } from "../../../submission/idempotency.ts";
import { type ParsedSubmission, pictureLimits } from "../../../submission/parsed-submission.ts";
import { requesterOf } from "../../../submission/queue-job.ts";
import { submitBatch } from "../../../submission/submit-batch.ts";
import { batchPath, batchView, findBatchJobs } from "../../../views/batch-view.ts";

/** POST /v1/batches. */
const batches: ApiPlugin = async (app, dependencies) => {
  const { config, queue } = dependencies;
  const { batchJobs } = config.limits;
  const limits = pictureLimits(batchJobs, batchJobs);
  await app.register(submissionBodies, dependencies);

  app.post(
    "/",
    {
      bodyLimit: config.limits.requestBytes,
      onRequest: checkCapacity(dependencies),
      config: {
        scope: "submit",
        createsJob: true,
        concurrency: "upload",
        requestBodies: { "application/json": batchJsonSchema, "multipart/form-data": batchFormSchema },
      },
      schema: {
        operationId: "submitBatch",
        summary: "Submits a batch: a job for each content in each style",
        tags: ["batches"],
        headers: z.object(idempotencyHeader),
        response: {
          202: jsonResponse("All jobs are accepted. Poll `Location`.", batchViewSchema),
          ...problemResponses(...SUBMISSION_PROBLEMS, "too_many_jobs"),
        },
      },
    },
    async (request, reply) => {
      const submit = async (submission: ParsedSubmission, id: string) => {
        await request.countJobs(submission.pictures.content.length * submission.pictures.style.length);
        return await submitBatch(dependencies, submission, id, requesterOf(request));
      };
      const { result: batch, isReplay } = await acceptSubmission(dependencies, request, limits, submit);
      if (isReplay) reply.header("idempotency-replayed", "true");
      reply.code(202).header("location", batchPath(batch.id));
      return batchView(batch, await findBatchJobs(queue, batch));
    },
  );
};

export default batches;
