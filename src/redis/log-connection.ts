import type { Redis } from "ioredis";
import type { Logger } from "../logging.ts";
import { isAuthError } from "./check-server.ts";
import { isRedisUnavailable } from "./errors.ts";

/**
 * Logs one line when Redis becomes unavailable, with the consequence, and one when it is back. Returns a function that logs the
 * first line, for a caller that notices the outage itself.
 */
export function logRedisConnection(
  redis: Redis,
  logger: Logger,
  consequence: string,
): (reason: string) => void {
  let isUnavailable = false;
  const logUnavailable = (reason: string) => {
    if (isUnavailable) return;
    isUnavailable = true;
    logger.warn(`Redis cannot be reached (${reason}); ${consequence} until it is back`);
  };
  // Only the message: the error also has the failed command, which may be the one with the password.
  redis.on("error", (error: Error & { code?: string }) => {
    if (!isAuthError(error)) logUnavailable(error.message || (error.code ?? "no answer"));
  });
  redis.on("ready", () => {
    if (isUnavailable) logger.info("Redis is reachable again");
    isUnavailable = false;
  });
  return logUnavailable;
}

/** BullMQ's lock of a job expired during an outage. That is no fault: the record says which attempt owns the job. */
const LOST_LOCK = /^(could not renew lock|Missing lock|Lock mismatch) for job /;

/** Logs errors that BullMQ reports. Those of an outage are `logRedisConnection`'s, so they are logged at debug level only. */
export function logQueueErrors(logger: Logger, name: string): (error: Error) => void {
  return (error) => {
    if (LOST_LOCK.test(error.message) || isRedisUnavailable(error)) {
      logger.debug({ reason: error.message }, name);
    } else logger.error({ err: error }, name);
  };
}
