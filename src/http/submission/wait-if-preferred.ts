import type { FastifyReply, FastifyRequest } from "fastify";
import type { App, Dependencies } from "../dependencies.ts";
import { preferredWait, waitForEnd } from "../events/wait-for-end.ts";
import { type JobWithPosition, withPosition } from "../get-job.ts";
import { limitedOwner } from "../plugins/concurrency-limits.ts";

/**
 * Delays the response to `Prefer: wait=N` until the job ends, the time is over, or the client disconnects. If too many
 * responses are waiting already it returns at once, without `Preference-Applied`.
 */
export async function waitIfPreferred(
  app: Pick<App, "limiters" | "shutdownSignal">,
  { config, queue }: Dependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  accepted: JobWithPosition,
): Promise<JobWithPosition> {
  const preferred = preferredWait(request.headers.prefer);
  const release = preferred === null ? null : app.limiters.stream.acquire(limitedOwner(request), request.end);
  if (preferred === null || release === null) return accepted;
  try {
    const seconds = Math.min(preferred, config.limits.waitSeconds);
    reply.header("preference-applied", `wait=${seconds}`);
    const timeout = AbortSignal.timeout(seconds * 1000);
    const signal = AbortSignal.any([request.end, app.shutdownSignal, timeout]);
    const record = await waitForEnd(queue, accepted.record.id, signal).catch(() => null);
    return await withPosition(queue, record ?? accepted.record);
  } finally {
    release();
  }
}
