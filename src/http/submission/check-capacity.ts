import type { FastifyRequest } from "fastify";
import { QueueFullError, QuotaExceededError } from "../../jobs/job-limits.ts";
import type { SpaceReservation } from "../../storage/free-space.ts";
import type { Dependencies } from "../dependencies.ts";
import { contentLength } from "../plugins/bodies.ts";
import { idempotencyKey } from "./idempotency.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Space on the disk for what a submission writes. */
    space: SpaceReservation;
  }
}

/**
 * Creates an `onRequest` hook that rejects a submission before its body is read. The reason may be a full queue, too many
 * jobs of the owner, or too little disk space for the body and to finish the jobs that are already accepted.
 */
export function checkCapacity({ freeSpace, queue, idempotency }: Dependencies) {
  return async (request: FastifyRequest): Promise<void> => {
    const key = idempotencyKey(request);
    try {
      await queue.checkLimits(request.caller.owner);
    } catch (error) {
      const isFull = error instanceof QueueFullError || error instanceof QuotaExceededError;
      // A repeated request gets the first response even if no new job would be accepted.
      const isRepeated = isFull && key !== null && (await idempotency.isKnown(key));
      if (!isRepeated) throw error;
    }
    request.space = await freeSpace.reserve(contentLength(request), request.end);
  };
}
