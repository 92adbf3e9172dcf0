import { Readable } from "node:stream";
import { z } from "zod";
import { jobIdParams } from "../../../../../contract/job.ts";
import { jobEventSchema } from "../../../../../contract/job-event.ts";
import type { JobRecord } from "../../../../../jobs/records/job-record.ts";
import { isFinal } from "../../../../../jobs/records/job-states.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { jobEvents, RECONNECT_MS } from "../../../../events/job-events.ts";
import { JobFeeds } from "../../../../events/job-feeds.ts";
import { getJob } from "../../../../get-job.ts";
import { problemResponses } from "../../../../openapi/problem-responses.ts";
import { jobView } from "../../../../views/job-view.ts";

/** The schema of one event; the response is a stream of them. */
const eventSchema: z.ZodType = jobEventSchema;

/** GET /v1/jobs/{id}/events: server-sent events. */
const events: ApiPlugin = async (app, { config, queue }) => {
  const heartbeatMs = config.heartbeatSeconds * 1000;
  const toView = async (record: JobRecord) => jobView(record, await queue.getPosition(record));
  const feeds = new JobFeeds(queue, toView, heartbeatMs);

  app.get(
    "/events",
    {
      exposeHeadRoute: false,
      config: { scope: "read", concurrency: "stream" },
      schema: {
        operationId: "followJob",
        summary: "Streams a job's changes until it ends",
        description:
          "Server-sent events: `status` (the job), `progress` (its progress), `preview` (step, size and href), `options` " +
          "(the number of changes and the new options) and finally `end` (the reason). With `Last-Event-ID` only newer " +
          "events are sent. A client that has already received the end gets 204, which tells an EventSource to stop.",
        tags: ["jobs"],
        params: jobIdParams,
        headers: z.object({
          "last-event-id": z.string().optional().describe("The id of the last received event."),
        }),
        response: {
          200: { description: "The events.", content: { "text/event-stream": { schema: eventSchema } } },
          204: z.undefined().describe("The job has ended, and the client has received the end."),
          ...problemResponses("job_not_found", "too_many_streams", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const record = await getJob(queue, request);
      const since = parseRevision(request.headers["last-event-id"]);
      if (isFinal(record.status) && since >= record.revision) return reply.code(204).send();
      const stream = jobEvents(feeds, record.id, {
        since,
        heartbeatMs,
        signal: AbortSignal.any([request.end, app.shutdownSignal]),
        isAllowed: request.caller.isStillAllowed,
      });
      reply.headers({
        "content-type": "text/event-stream",
        // A proxy that compresses the events would hold them back.
        "cache-control": "no-store, no-transform",
        // A kept-alive connection would delay a shutdown.
        connection: "close",
        // Tells nginx not to buffer the events.
        "x-accel-buffering": "no",
      });
      return reply.send(Readable.from(endOnError(stream)));
    },
  );
};

export default events;

function parseRevision(lastEventId: string | undefined): number {
  return /^\d{1,15}$/.test(lastEventId ?? "") ? Number(lastEventId) : 0;
}

/** Ends the stream if Redis cannot be reached; the client reconnects. */
async function* endOnError(stream: AsyncGenerator<string>): AsyncGenerator<string> {
  try {
    yield* stream;
  } catch {
    yield `: the job cannot be read, reconnect\nretry: ${RECONNECT_MS}\n\n`;
  }
}
