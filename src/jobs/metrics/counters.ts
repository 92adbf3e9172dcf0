import type { Redis } from "ioredis";
import type { JobErrorCode } from "../../contract/problems.ts";
import type { RedisKeys } from "../../redis/keys.ts";

/** What all processes count together, for the metrics alone. */
export type CounterName =
  /** A job failed for good, by its error code. */
  | `failed:${JobErrorCode}`
  /** An attempt to deliver a webhook ended, by its outcome. */
  | `webhook:${"delivered" | "retry" | "exhausted"}`
  /** An engine process exited unexpectedly. */
  | "engine_crashed"
  /** A worker disappeared without saying that it stops. */
  | "worker_lost";

/** Increments a counter. Counting never fails the operation that is counted. */
export async function incrementCounter(
  redis: Redis,
  keys: RedisKeys,
  name: CounterName,
  by = 1,
): Promise<void> {
  await redis.hincrby(keys.counters, name, by).catch(() => undefined);
}

/** Returns a function that gives each counter's value since the installation began. */
export async function readCounters(redis: Redis, keys: RedisKeys): Promise<(name: CounterName) => number> {
  const stored = await redis.hgetall(keys.counters);
  return (name) => Number(stored[name] ?? 0);
}
