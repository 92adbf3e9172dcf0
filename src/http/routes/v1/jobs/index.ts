import { z } from "zod";
import { jobListSchema, jobStatusSchema, jobViewSchema } from "../../../../contract/job.ts";
import { submitFormSchema, submitJsonSchema } from "../../../../contract/request.ts";
import type { ApiPlugin } from "../../../dependencies.ts";
import { withPosition } from "../../../get-job.ts";
import { jsonResponse } from "../../../openapi/json-response.ts";
import { problemResponses, SUBMISSION_PROBLEMS } from "../../../openapi/problem-responses.ts";
import { addJobToLog } from "../../../plugins/request-log.ts";
import submissionBodies from "../../../plugins/submission-bodies.ts";
import { acceptSubmission } from "../../../submission/accept-submission.ts";
import { checkCapacity } from "../../../submission/check-capacity.ts";
import { idempotencyHeader } from "../../../submission/idempotency.ts";
import { type ParsedSubmission, pictureLimits } from "../../../submission/parsed-submission.ts";
import { requesterOf } from "../../../submission/queue-job.ts";
import { submitJob } from "../../../submission/submit-job.ts";
import { waitIfPreferred } from "../../../submission/wait-if-preferred.ts";
import { jobPath, jobView, retryAfter } from "../../../views/job-view.ts";

/** GET and POST /v1/jobs. */
const jobs: ApiPlugin = async (app, dependencies) => {
  const { config, queue } = dependencies;
  const limits = pictureLimits(1, config.limits.styles);
  await app.register(submissionBodies, dependencies);

  app.get(
    "/",
    {
      config: { scope: "read" },
      schema: {
        operationId: "listJobs",
        summary: "Lists jobs, newest first",
        tags: ["jobs"],
        querystring: z.strictObject({
          status: jobStatusSchema.optional().describe("Only jobs with this status."),
          limit: z.coerce.number().int().min(1).max(100).default(20).describe("Jobs per page."),
          cursor: z.uuid().toLowerCase().optional().describe("`next_cursor` of the previous page."),
        }),
        response: {
          200: jsonResponse("A page of jobs.", jobListSchema),
          ...problemResponses("invalid_request", "unavailable"),
        },
      },
    },
    async (request) => {
      const { status, limit, cursor } = request.query;
      const records = await queue.list({
        owner: request.caller.owner,
        // One more than requested tells whether there is another page.
        limit: limit + 1,
        ...(status && { status }),
        ...(cursor && { before: cursor }),
      });
      const page = records.slice(0, limit);
      const views = await Promise.all(
        page.map(async (record) => jobView(record, await queue.getPosition(record))),
      );
      const last = records.length > limit ? page.at(-1) : undefined;
      return { jobs: views, next_cursor: last?.id ?? null };
    },
  );

  app.post(
    "/",
    {
      bodyLimit: config.limits.requestBytes,
      onRequest: checkCapacity(dependencies),
      config: {
        scope: "submit",
        createsJob: true,
        concurrency: "upload",
        requestBodies: { "application/json": submitJsonSchema, "multipart/form-data": submitFormSchema },
      },
      schema: {
        operationId: "submitJob",
        summary: "Submits a job: a content picture and one or more style pictures",
        tags: ["jobs"],
        headers: z.object({
          traceparent: z
            .string()
            .optional()
            .describe("The client's trace, which the job joins (W3C Trace Context)."),
          prefer: z
            .string()
            .optional()
            .describe("`wait=N` delays the response for up to N seconds, until the job ends (RFC 7240)."),
          ...idempotencyHeader,
        }),
        response: {
          200: jsonResponse(
            "The job has ended: during the wait, or after an earlier request with the same key.",
            jobViewSchema,
          ),
          202: jsonResponse(
            "The job is accepted. Poll `Location` after `Retry-After` seconds.",
            jobViewSchema,
          ),
          ...problemResponses(...SUBMISSION_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const submit = async (submission: ParsedSubmission, id: string) =>
        await withPosition(queue, await submitJob(dependencies, submission, id, requesterOf(request)));
      const { result, isReplay } = await acceptSubmission(dependencies, request, limits, submit);
      request.releaseSlot();
      addJobToLog(request, reply, result.record.id);
      request.log.info(
        { options: result.record.options },
        isReplay ? "job already accepted" : "job accepted",
      );
      if (isReplay) reply.header("idempotency-replayed", "true");
      const { record, position } = isReplay
        ? result
        : await waitIfPreferred(app, dependencies, request, reply, result);
      const seconds = retryAfter(record, position);
      if (seconds !== null) reply.header("retry-after", seconds);
      reply.code(seconds === null ? 200 : 202).header("location", jobPath(record.id));
      return jobView(record, position);
    },
  );
};

export default jobs;
