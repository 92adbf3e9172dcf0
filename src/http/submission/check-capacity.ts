import type { FastifyRequest } from "fastify";
import { QueueFullError, QuotaExceededError } from "../../jobs/job-limits.ts";
import { FreeSpace } from "../../storage/free-space.ts";
import type { Dependencies } from "../dependencies.ts";
import { idempotencyKey } from "./idempotency.ts";

/**
 * Creates an `onRequest` hook that rejects a submission before its body is read. The reason may be a full queue, too many
 * jobs of the owner, or too little disk space to finish the jobs that are already accepted.
 */
export function checkCapacity({ config, queue, idempotency }: Dependencies) {
  const storeFolders = config.storage.type === "filesystem" ? [config.storage.directory] : [];
  const space = new FreeSpace([config.spoolDirectory, ...storeFolders], config.limits.freeBytes);

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
    await space.check();
  };
}
