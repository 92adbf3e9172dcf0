import type { Redis } from "ioredis";
import type { JobErrorCode } from "../contract/problems.ts";
import type { QueueKeys } from "./keys.ts";
import type { AttemptEnd } from "./webhooks/webhook-queue.ts";

/** What all processes together count for the metrics alone. */
export type Tally =
  /** A job failed for good, by its reason. */
  | `failed:${JobErrorCode}`
  /** An attempt to tell a webhook, by how it ended. */
  | `webhook:${AttemptEnd["type"]}`
  /** An engine process died unasked, and was started again. */
  | "engine_crashed"
  /** A worker was not heard of any more that had not said that it stops. */
  | "worker_lost";

/** Counts. That it fails is no matter of what is counted. */
export async function tally(redis: Redis, keys: QueueKeys, what: Tally, more = 1): Promise<void> {
  await redis.hincrby(keys.tallies, what, more).catch(() => undefined);
}

/** How many there were of each since the installation began. */
export async function readTallies(redis: Redis, keys: QueueKeys): Promise<(what: Tally) => number> {
  const stored = await redis.hgetall(keys.tallies);
  return (what) => Number(stored[what] ?? 0);
}
