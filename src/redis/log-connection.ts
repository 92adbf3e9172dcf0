import type { Redis } from "ioredis";
import type { Logger } from "../logging.ts";
import { isRefusal } from "./check-server.ts";
import { isRedisUnavailable } from "./errors.ts";

/**
 * Tells in the log when Redis goes away, and what follows from that, and when it is back: one line each. Gives what tells
 * so where whoever asks notices it first.
 */
export function logRedisConnection(
  redis: Redis,
  logger: Logger,
  consequence: string,
): (reason: string) => void {
  let isAway = false;
  const away = (reason: string) => {
    if (isAway) return;
    isAway = true;
    logger.warn(`Redis cannot be reached (${reason}); ${consequence} until it can`);
  };
  // Its message alone: an error of Redis carries the command that failed, which may be the one with the password.
  redis.on("error", (error: Error & { code?: string }) => {
    if (!isRefusal(error)) away(error.message || (error.code ?? "no answer"));
  });
  redis.on("ready", () => {
    if (isAway) logger.info("Redis is back");
    isAway = false;
  });
  return away;
}

/** BullMQ's lock of a job ran out while Redis was away. Whose the job is, its record says: nothing is wrong. */
const LOST_LOCK = /^(could not renew lock|Missing lock|Lock mismatch) for job /;

/** Logs what BullMQ reports of itself; that Redis is away is told by `logRedisConnection`, and not again at each attempt. */
export function logQueueErrors(logger: Logger, name: string): (error: Error) => void {
  return (error) => {
    if (LOST_LOCK.test(error.message) || isRedisUnavailable(error))
      logger.debug({ reason: error.message }, name);
    else logger.error({ err: error }, name);
  };
}
