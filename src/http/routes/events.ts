import { Readable } from "node:stream";
import { z } from "zod";
import { jobEventSchema } from "../../contract/job-event.ts";
import { isFinal } from "../../jobs/records/job-states.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { COME_AGAIN_MS, jobEvents } from "../events/job-events.ts";
import { problemResponses } from "../openapi/problem-responses.ts";
import { jobView } from "../views/job-view.ts";
import { findJob } from "./find-job.ts";

/** The schema of each event; what is sent is a stream of them. */
const STREAMED: z.ZodType = jobEventSchema;

/** GET /v1/jobs/{id}/events: server-sent events. */
export function eventRoutes(app: App, { config, queue }: Dependencies): void {
  app.get(
    "/v1/jobs/:id/events",
    {
      exposeHeadRoute: false,
      config: { scope: "read" },
      schema: {
        operationId: "followJob",
        summary: "Tells of a job's changes as they happen, until it ends",
        description:
          "Server-sent events: `status` (the job view), `progress` (its progress), `preview` (step, size, href), `steered` (how often, and the options since) and " +
          "at last `end` (reason). With `Last-Event-ID` only what is newer is sent; a job whose end the client has " +
          "seen is answered with 204, which tells an EventSource to stop.",
        tags: ["jobs"],
        params: z.object({ id: z.string() }),
        headers: z.object({ "last-event-id": z.string().optional() }),
        response: {
          200: { description: "The events.", content: { "text/event-stream": { schema: STREAMED } } },
          204: z.undefined().describe("The job has ended, and the client knows it."),
          ...problemResponses("job_not_found", "too_many_streams", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      reply.raw.once("close", app.admission.stream(request));
      const record = await findJob(queue, request);
      const since = revisionOf(request.headers["last-event-id"]);
      if (isFinal(record.status) && since >= record.revision) return reply.code(204).send();
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const events = jobEvents(queue, record.id, {
        since,
        heartbeatMs: config.heartbeatSeconds * 1000,
        signal: AbortSignal.any([gone.signal, app.closing]),
        view: async (now) => jobView(now, await queue.getPosition(now)),
      });
      reply.headers({
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        // Its connection would be kept alive when the service stops, and hold that up.
        connection: "close",
        // nginx would hold the events back.
        "x-accel-buffering": "no",
      });
      return reply.send(Readable.from(endQuietly(events)));
    },
  );
}

function revisionOf(lastEventId: string | undefined): number {
  return /^\d{1,15}$/.test(lastEventId ?? "") ? Number(lastEventId) : 0;
}

/** While Redis is away there is nothing to tell: the stream ends, and the client comes again. */
async function* endQuietly(events: AsyncGenerator<string>): AsyncGenerator<string> {
  try {
    yield* events;
  } catch {
    yield `: lost sight of the job, come again\nretry: ${COME_AGAIN_MS}\n\n`;
  }
}
