import { z } from "zod";
import { type JobView, jobListSchema, jobStatusSchema, jobViewSchema } from "../../contract/job.ts";
import { ProblemError } from "../../contract/problems.ts";
import { type JobRecord, jobFolder } from "../../jobs/records/job-record.ts";
import { isFinal } from "../../jobs/records/job-states.ts";
import { deleteFolder } from "../../storage/delete-folder.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { isUnchanged } from "../files/conditional.ts";
import { problemResponses } from "../openapi/problem-responses.ts";
import { jobPath, jobView, jobViewText, retryAfter } from "../views/job-view.ts";
import { changeJob, findJob, lookAtJob } from "./find-job.ts";

const idParams = z.object({ id: z.string().describe("The job's id.") });

/** The list of jobs, and what is done to one job. */
export function jobRoutes(app: App, { queue, store }: Dependencies): void {
  const view = async (record: JobRecord) => jobView(record, await queue.getPosition(record));

  app.get(
    "/v1/jobs",
    {
      config: { scope: "read" },
      schema: {
        operationId: "listJobs",
        summary: "Lists jobs, newest first",
        tags: ["jobs"],
        querystring: z.strictObject({
          status: jobStatusSchema.optional(),
          limit: z.coerce.number().int().min(1).max(100).default(20),
          cursor: z.uuid().optional().describe("`next_cursor` of the page before."),
        }),
        response: { 200: jobListSchema, ...problemResponses("invalid_request", "unavailable") },
      },
    },
    async (request) => {
      const { status, limit, cursor } = request.query;
      const records = await queue.list({
        owner: request.caller.owner,
        limit: limit + 1,
        ...(status && { status }),
        ...(cursor && { before: cursor }),
      });
      const page = records.slice(0, limit);
      const views = await Promise.all(page.map(view));
      const last = records.length > limit ? page.at(-1) : undefined;
      return { jobs: views, next_cursor: last?.id ?? null };
    },
  );

  app.get(
    "/v1/jobs/:id",
    {
      config: { scope: "read" },
      schema: {
        operationId: "getJob",
        summary: "Tells how a job is doing",
        tags: ["jobs"],
        params: idParams,
        response: {
          200: jobViewSchema,
          304: z.undefined().describe("Nothing has changed since the answer with this ETag."),
          ...problemResponses("job_not_found", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const { record, position } = await lookAtJob(queue, request);
      const wait = retryAfter(record, position);
      if (wait !== null) reply.header("retry-after", wait);
      const etag = `W/"${record.revision}.${position?.position ?? ""}.${position?.eta_seconds ?? ""}.${position?.waiting_for ?? ""}"`;
      reply.header("etag", etag).header("cache-control", "private, no-cache");
      if (isUnchanged(request.headers["if-none-match"], etag)) return reply.code(304).send();
      reply.header("content-type", "application/json; charset=utf-8");
      return reply.send(jobViewText(record, position, etag) as unknown as JobView);
    },
  );

  app.post(
    "/v1/jobs/:id/cancel",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "cancelJob",
        summary: "Stops a job that is queued or running; one that has ended stays as it is",
        tags: ["jobs"],
        params: idParams,
        response: { 200: jobViewSchema, ...problemResponses("job_not_found", "unavailable") },
      },
    },
    async (request) => {
      const record = await changeJob(queue, request, (id) => queue.cancel(id));
      return await view(record);
    },
  );

  app.post(
    "/v1/jobs/:id/retry",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "retryJob",
        summary: "Queues a failed or canceled job again",
        tags: ["jobs"],
        params: idParams,
        response: {
          202: jobViewSchema,
          ...problemResponses(
            "job_not_found",
            "not_retryable",
            "result_expired",
            "quota_exceeded",
            "queue_full",
            "unavailable",
          ),
        },
      },
    },
    async (request, reply) => {
      const before = await findJob(queue, request);
      if (before.status === "succeeded") {
        throw new ProblemError(
          "not_retryable",
          "Expected a failed or canceled job, received a succeeded one",
        );
      }
      if (isFinal(before.status)) await queue.checkLimits(before.owner, "retried");
      const record = await changeJob(queue, request, (id) => queue.retry(id));
      // Its time is over, which the queue's clock decides.
      if (isFinal(record.status) && record.revision === before.revision) {
        throw new ProblemError(
          "result_expired",
          "Expected a job whose pictures are still kept, received one that has expired",
        );
      }
      reply.code(202).header("location", jobPath(record.id));
      return await view(record);
    },
  );

  app.delete(
    "/v1/jobs/:id",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "deleteJob",
        summary: "Forgets a job and its pictures",
        tags: ["jobs"],
        params: idParams,
        response: {
          204: z.undefined().describe("The job is forgotten."),
          ...problemResponses("job_not_found", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const record = await changeJob(queue, request, (id) => queue.delete(id));
      await deleteFolder(store, jobFolder(record.id));
      return reply.code(204).send();
    },
  );
}
