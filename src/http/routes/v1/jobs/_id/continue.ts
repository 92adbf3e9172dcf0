import { z } from "zod";
import { jobIdParams, jobViewSchema } from "../../../../../contract/job.ts";
import { continuationSchema } from "../../../../../contract/request.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { getJob, withPosition } from "../../../../get-job.ts";
import { jsonResponse } from "../../../../openapi/json-response.ts";
import { problemResponses } from "../../../../openapi/problem-responses.ts";
import { addJobToLog } from "../../../../plugins/request-log.ts";
import { checkCapacity } from "../../../../submission/check-capacity.ts";
import { continueJob } from "../../../../submission/continue-job.ts";
import { fingerprint, idempotencyHeader, withIdempotency } from "../../../../submission/idempotency.ts";
import { requesterOf } from "../../../../submission/queue-job.ts";
import { validatorCompiler } from "../../../../validation.ts";
import { jobPath, jobView, retryAfter } from "../../../../views/job-view.ts";

/** POST /v1/jobs/{id}/continue. */
const continuation: ApiPlugin = async (app, dependencies) => {
  const { queue, idempotency } = dependencies;
  app.post(
    "/continue",
    {
      onRequest: checkCapacity(dependencies),
      config: { scope: "submit", createsJob: true, concurrency: "upload" },
      validatorCompiler: validatorCompiler("invalid_options"),
      schema: {
        operationId: "continueJob",
        summary: "Creates a job that continues from the result of a succeeded one",
        description:
          "The new job has the same pictures and runs further steps, with other weights or at a larger size if requested. " +
          "Its `continued_from` is the id of the first job.",
        tags: ["jobs"],
        params: jobIdParams,
        headers: z.object(idempotencyHeader),
        body: continuationSchema.nullish(),
        response: {
          202: jsonResponse(
            "The new job is accepted. Poll `Location` after `Retry-After` seconds.",
            jobViewSchema,
          ),
          ...problemResponses(
            ...(["malformed_body", "invalid_options", "job_not_found", "not_continuable"] as const),
            ...([
              "request_in_flight",
              "result_expired",
              "idempotency_key_reused",
              "url_not_allowed",
            ] as const),
            ...([
              "quota_exceeded",
              "rate_limited",
              "too_many_uploads",
              "queue_full",
              "storage_full",
              "unavailable",
            ] as const),
          ),
        },
      },
    },
    async (request, reply) => {
      const previous = await getJob(queue, request);
      const requested = request.body ?? continuationSchema.parse({});
      const { result: record, isReplay } = await withIdempotency(
        idempotency,
        request,
        async () => fingerprint([previous.id, requested]),
        (id) => continueJob(dependencies, previous, requested, id, requesterOf(request)),
      );
      if (isReplay) reply.header("idempotency-replayed", "true");
      addJobToLog(request, reply, record.id);
      const { position } = await withPosition(queue, record);
      reply.code(202).header("location", jobPath(record.id));
      reply.header("retry-after", retryAfter(record, position) ?? 1);
      return jobView(record, position);
    },
  );
};

export default continuation;
