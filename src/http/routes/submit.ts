import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { jobViewSchema } from "../../contract/job.ts";
import { submitFormSchema, submitJsonSchema } from "../../contract/request.ts";
import type { QueuePosition } from "../../jobs/queue-position.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { waitForEnd } from "../events/wait-for-end.ts";
import { problemResponses } from "../openapi/problem-responses.ts";
import { takeForms } from "../plugins/forms.ts";
import { logJob } from "../plugins/request-logging.ts";
import { preferredWait } from "../prefer.ts";
import { askedBy } from "../submission/asked-by.ts";
import { idempotencyHeader, type Once, once } from "../submission/idempotency.ts";
import { readBody } from "../submission/read-body.ts";
import { Spool } from "../submission/spool.ts";
import { submitJob } from "../submission/submit-job.ts";
import { jobPath, jobView, retryAfter } from "../views/job-view.ts";

/** POST /v1/jobs. */
export async function submitRoutes(app: App, dependencies: Dependencies): Promise<void> {
  const { config, queue, idempotency } = dependencies;
  await takeForms(app, config);

  app.post(
    "/v1/jobs",
    {
      onRequest: app.admission.upload,
      config: {
        scope: "submit",
        makesJob: true,
        bodies: { "multipart/form-data": submitFormSchema, "application/json": submitJsonSchema },
      },
      schema: {
        operationId: "submitJob",
        summary: "Submits a content and one or more styles to be painted",
        tags: ["jobs"],
        headers: z.object({
          traceparent: z
            .string()
            .optional()
            .describe("Joins the job to the client's trace (W3C Trace Context)."),
          prefer: z
            .string()
            .optional()
            .describe("`wait=N` holds the answer back for up to N seconds (RFC 7240)."),
          ...idempotencyHeader,
        }),
        response: {
          200: jobResponse(
            "The job has ended: the answer was held back, or the same request was made before, and cut off.",
          ),
          202: jobResponse("The job is accepted; `Location` is where to follow it, `Retry-After` when."),
          ...problemResponses(...SUBMIT_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const { answer, replayed } = await accept(request);
      app.admission.uploaded(request);
      logJob(request, reply, answer.record.id);
      request.log.info({ options: answer.record.options }, replayed ? "accepted before" : "accepted");
      if (replayed) reply.header("idempotency-replayed", "true");
      const { record, position } = replayed ? answer : await waitAsPreferred(request, reply, answer);
      const wait = retryAfter(record, position);
      reply.code(wait === null ? 200 : 202).header("location", jobPath(record.id));
      if (wait !== null) reply.header("retry-after", wait);
      return jobView(record, position);
    },
  );

  /** The job is accepted: where Redis goes away just now, the client still gets to know its id. */
  const withPlace = async (record: JobRecord): Promise<Accepted> => {
    const position = await queue.getPosition(record).catch(() => null);
    return { record, position };
  };

  /** Reads, checks, stores and queues, once for an idempotency key. */
  const accept = async (request: FastifyRequest): Promise<Once<Accepted>> => {
    const spool = await Spool.open(config.spoolDirectory, config.limits.uploadBytes);
    try {
      const { load, fingerprint } = await readBody(request, spool, config, {
        contents: 1,
        styles: config.limits.styles,
      });
      return await once(
        idempotency,
        request,
        fingerprint,
        async (id) => await withPlace(await submitJob(dependencies, await load(), id, askedBy(request))),
      );
    } finally {
      await spool.close();
    }
  };

  /** Holds the answer back for `Prefer: wait=N`, until the job ends, N or the most allowed is over, or the client goes. */
  const waitAsPreferred = async (request: FastifyRequest, reply: FastifyReply, accepted: Accepted) => {
    const preferred = preferredWait(request.headers.prefer);
    // A preference: where too many wait already, the answer comes at once and does not say that it was applied.
    const leave = preferred === null ? null : app.admission.follow(request);
    if (preferred === null || leave === null) return accepted;
    reply.raw.once("close", leave);
    const seconds = Math.min(preferred, config.limits.waitSeconds);
    reply.header("preference-applied", `wait=${seconds}`);
    const gone = new AbortController();
    reply.raw.once("close", () => gone.abort());
    const signal = AbortSignal.any([gone.signal, app.closing, AbortSignal.timeout(seconds * 1000)]);
    const record = await waitForEnd(queue, accepted.record.id, signal).catch(() => null);
    return await withPlace(record ?? accepted.record);
  };
}

interface Accepted {
  record: JobRecord;
  position: QueuePosition | null;
}

function jobResponse(description: string) {
  return { description, content: { "application/json": { schema: jobViewSchema } } };
}

export const SUBMIT_PROBLEMS = [
  "invalid_request",
  "malformed_body",
  "unknown_field",
  "request_too_large",
  "picture_too_large",
  "unsupported_media_type",
  "unsupported_picture",
  "invalid_options",
  "mismatched_masks",
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
  "idempotency_key_reused",
  "request_in_flight",
  "url_refused",
  "url_failed",
  "quota_exceeded",
  "too_many_uploads",
  "queue_full",
  "rate_limited",
  "unavailable",
  "storage_full",
] as const;
