import { z } from "zod";
import { jobViewSchema } from "../../contract/job.ts";
import { continuationSchema } from "../../contract/request.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { problemResponses } from "../openapi/problem-responses.ts";
import { logJob } from "../plugins/request-logging.ts";
import { askedBy } from "../submission/asked-by.ts";
import { continueJob } from "../submission/continue-job.ts";
import { fingerprintOf, idempotencyHeader, once } from "../submission/idempotency.ts";
import { parseBody } from "../submission/parse-body.ts";
import { jobPath, jobView, retryAfter } from "../views/job-view.ts";
import { findJob } from "./find-job.ts";

/** POST /v1/jobs/{id}/continue. */
export function continuationRoutes(app: App, dependencies: Dependencies): void {
  const { queue, idempotency } = dependencies;
  app.post(
    "/v1/jobs/:id/continue",
    {
      config: { scope: "submit", makesJob: true, bodies: { "application/json": continuationSchema } },
      schema: {
        operationId: "continueJob",
        summary: "Goes on from what a succeeded job painted, as a new job",
        description:
          "With the same pictures, further steps, and other weights or a larger size where they are asked for. " +
          "The new job names the one that it goes on from (`continued_from`).",
        tags: ["jobs"],
        params: z.object({ id: z.string().describe("The job's id.") }),
        headers: z.object(idempotencyHeader),
        response: {
          202: jobViewSchema,
          ...problemResponses(
            "malformed_body",
            "invalid_options",
            "job_not_found",
            "not_continuable",
            "request_in_flight",
            "result_expired",
            "idempotency_key_reused",
            "quota_exceeded",
            "queue_full",
            "rate_limited",
            "unavailable",
            "storage_full",
          ),
        },
      },
    },
    async (request, reply) => {
      const before = await findJob(queue, request);
      const asked = parseBody(continuationSchema, request.body, "invalid_options");
      const { answer: record, replayed } = await once(
        idempotency,
        request,
        async () => fingerprintOf([before.id, asked]),
        (id) => continueJob(dependencies, before, asked, id, askedBy(request)),
      );
      if (replayed) reply.header("idempotency-replayed", "true");
      logJob(request, reply, record.id);
      const position = await queue.getPosition(record).catch(() => null);
      reply
        .code(202)
        .header("location", jobPath(record.id))
        .header("retry-after", retryAfter(record, position) ?? 1);
      return jobView(record, position);
    },
  );
}
