import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { jobListSchema, jobStatusSchema, jobViewSchema } from "../../contract/job.ts";
import { Refusal } from "../../contract/problems.ts";
import { submitFormSchema, submitJsonSchema } from "../../contract/request.ts";
import { guardOf } from "../../net/guarded-request.ts";
import type { JobRecord } from "../../queue/job-record.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { waitForEnd } from "../events/wait-for-end.ts";
import { isUnchanged } from "../files/conditional.ts";
import { logJob } from "../plugins/request-logging.ts";
import { preferredWait } from "../prefer.ts";
import { problemResponses } from "../problem-responses.ts";
import { readForm } from "../submission/form.ts";
import { readJson } from "../submission/json.ts";
import { Spool } from "../submission/spool.ts";
import { submitJob } from "../submission/submit-job.ts";
import { jobPath, jobView, retryAfter } from "../views/job-view.ts";
import { existing, findJob } from "./find-job.ts";

const idParams = z.object({ id: z.string().describe("The job's id.") });

/** /v1/jobs and what is done to one job. */
export function jobRoutes(app: App, dependencies: Dependencies): void {
  const { config, queue, store } = dependencies;
  const guard = guardOf(config.urlNetworks);

  const accept = async (request: FastifyRequest): Promise<JobRecord> => {
    const spool = await Spool.open(config.spoolDirectory, config.limits.uploadBytes);
    try {
      const submitted = request.isMultipart()
        ? await readForm(request, spool, config.limits.styles)
        : await readJson(jsonBody(request), spool, config.limits, guard);
      return await submitJob(dependencies, submitted);
    } finally {
      await spool.close();
    }
  };

  /** Holds the answer back for `Prefer: wait=N`, until the job ends, N or the most allowed is over, or the client goes. */
  const waitAsPreferred = async (request: FastifyRequest, reply: FastifyReply, record: JobRecord) => {
    const preferred = preferredWait(request.headers.prefer);
    if (preferred === null) return record;
    const seconds = Math.min(preferred, config.limits.waitSeconds);
    reply.header("preference-applied", `wait=${seconds}`);
    const gone = new AbortController();
    request.raw.socket.once("close", () => gone.abort());
    const signal = AbortSignal.any([gone.signal, app.closing, AbortSignal.timeout(seconds * 1000)]);
    // The job is accepted: whatever happens while the answer is held back, the client gets to know its id.
    return (await waitForEnd(queue, record.id, signal).catch(() => null)) ?? record;
  };

  const view = async (record: JobRecord) => {
    const position = record.status === "queued" ? await queue.position(record.id) : null;
    return { body: jobView(record, position), wait: retryAfter(record, position), position };
  };

  app.post(
    "/v1/jobs",
    {
      config: { bodies: { "multipart/form-data": submitFormSchema, "application/json": submitJsonSchema } },
      schema: {
        operationId: "submitJob",
        summary: "Submits a content and one or more styles to be painted",
        tags: ["jobs"],
        headers: z.object({
          prefer: z
            .string()
            .optional()
            .describe("`wait=N` holds the answer back for up to N seconds (RFC 7240)."),
        }),
        response: {
          200: jobResponse("The job ended while the answer was held back."),
          202: jobResponse("The job is accepted; `Location` is where to follow it, `Retry-After` when."),
          ...problemResponses(...SUBMIT_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const accepted = await accept(request);
      logJob(request, reply, accepted.id);
      request.log.info({ options: accepted.options }, "accepted");
      const { body, wait } = await view(await waitAsPreferred(request, reply, accepted));
      reply.code(wait === null ? 200 : 202).header("location", jobPath(accepted.id));
      if (wait !== null) reply.header("retry-after", wait);
      return body;
    },
  );

  app.get(
    "/v1/jobs",
    {
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
        limit: limit + 1,
        ...(status && { status }),
        ...(cursor && { before: cursor }),
      });
      const page = records.slice(0, limit);
      const views = await Promise.all(page.map(view));
      const last = records.length > limit ? page.at(-1) : undefined;
      return { jobs: views.map(({ body }) => body), next_cursor: last?.id ?? null };
    },
  );

  app.get(
    "/v1/jobs/:id",
    {
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
      const record = await findJob(queue, request.params.id);
      const { revision } = record;
      const { body, wait, position } = await view(record);
      if (wait !== null) reply.header("retry-after", wait);
      const etag = `W/"${revision}.${position ?? ""}"`;
      reply.header("etag", etag).header("cache-control", "private, no-cache");
      if (isUnchanged(request.headers["if-none-match"], etag)) return reply.code(304).send();
      return body;
    },
  );

  app.post(
    "/v1/jobs/:id/cancel",
    {
      schema: {
        operationId: "cancelJob",
        summary: "Stops a job that is queued or running; one that has ended stays as it is",
        tags: ["jobs"],
        params: idParams,
        response: { 200: jobViewSchema, ...problemResponses("job_not_found", "unavailable") },
      },
    },
    async (request) => {
      const record = await existing(request.params.id, (id) => queue.cancel(id));
      return (await view(record)).body;
    },
  );

  app.post(
    "/v1/jobs/:id/retry",
    {
      schema: {
        operationId: "retryJob",
        summary: "Queues a failed or canceled job again",
        tags: ["jobs"],
        params: idParams,
        response: {
          202: jobViewSchema,
          ...problemResponses("job_not_found", "not_retryable", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const before = await findJob(queue, request.params.id);
      if (before.status === "succeeded") {
        throw new Refusal("not_retryable", "Expected a failed or canceled job, received a succeeded one");
      }
      const record = await existing(before.id, (id) => queue.retry(id));
      reply.code(202).header("location", jobPath(record.id));
      return (await view(record)).body;
    },
  );

  app.delete(
    "/v1/jobs/:id",
    {
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
      const record = await existing(request.params.id, (id) => queue.delete(id));
      for await (const { key } of store.list(`jobs/${record.id}/`)) await store.delete(key);
      return reply.code(204).send();
    },
  );
}

function jobResponse(description: string) {
  return { description, content: { "application/json": { schema: jobViewSchema } } };
}

const SUBMIT_PROBLEMS = [
  "invalid_request",
  "malformed_body",
  "unknown_field",
  "request_too_large",
  "picture_too_large",
  "unsupported_media_type",
  "unsupported_picture",
  "invalid_options",
  "missing_content",
  "missing_style",
  "too_many_contents",
  "too_many_styles",
  "empty_picture",
  "corrupt_picture",
  "mismatched_picture",
  "animated_picture",
  "too_many_pixels",
  "picture_too_small",
  "picture_too_narrow",
  "picture_too_slow",
  "url_refused",
  "url_failed",
  "queue_full",
  "unavailable",
  "storage_full",
] as const;

/** Fastify has parsed it, or there is none. */
function jsonBody(request: FastifyRequest): unknown {
  const received = request.headers["content-type"];
  if (received?.startsWith("application/json")) return request.body;
  const detail = `Expected multipart/form-data or application/json, received ${received ?? "no content type"}`;
  throw new Refusal("unsupported_media_type", detail);
}
