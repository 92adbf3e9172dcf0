import type { Redis } from "ioredis";
import { z } from "zod";
import { engineSchema } from "../../contract/engine-description.ts";
import type { RedisKeys } from "../../redis/keys.ts";
import { incrementCounter } from "../metrics/counters.ts";

/** A worker without a heartbeat for so long counts as lost. */
const WORKER_TIMEOUT_MS = 15_000;
export const HEARTBEAT_MS = 4_000;

const workerDescriptionSchema = z.object({
  id: z.string(),
  version: z.string(),
  host: z.string(),
  pid: z.int(),
  started_at: z.iso.datetime(),
  ready: z.boolean(),
  /** Why it is not ready, with the error code that its jobs would have. */
  reason: z.object({ code: z.string(), message: z.string() }).nullable(),
  engine: engineSchema.nullable(),
  /** The longest edge of the results that it takes, in pixels. */
  largest_size: z.int().min(0),
  /** Seconds for one unit of cost (see `estimateCost`); null before it has painted. */
  seconds_per_cost: z.number().min(0).nullable(),
  /** Seconds until its job is done, 0 without a job; null if unknown. */
  free_in_seconds: z.number().min(0).nullable(),
  /** Duration of an optimiser step of its current job. */
  step_ms: z.number().min(0).nullable().optional(),
  /** Memory of its engine process. */
  engine_resident_bytes: z.int().min(0).nullable().optional(),
  /** The id of its current job. */
  job: z.string().nullable(),
});
export type WorkerDescription = z.infer<typeof workerDescriptionSchema>;

/** Stores a worker's heartbeat. Redis drops it by itself if the next one does not come. */
export async function sendHeartbeat(redis: Redis, keys: RedisKeys, worker: WorkerDescription): Promise<void> {
  await redis
    .multi()
    .sadd(keys.workers, worker.id)
    .set(keys.worker(worker.id), JSON.stringify(worker), "PX", WORKER_TIMEOUT_MS)
    .exec();
}

/** Removes a worker that stops. */
export async function deregisterWorker(redis: Redis, keys: RedisKeys, id: string): Promise<void> {
  await redis.multi().srem(keys.workers, id).del(keys.worker(id)).exec();
}

/** The workers that are alive, and whose heartbeat this version can read. Removes those without a heartbeat, and counts them as lost. */
export async function findWorkers(redis: Redis, keys: RedisKeys): Promise<WorkerDescription[]> {
  const ids = await redis.smembers(keys.workers);
  if (ids.length === 0) return [];
  const texts = await redis.mget(ids.map((id) => keys.worker(id)));
  const missing = ids.filter((_, index) => texts[index] == null);
  // If several processes notice a loss, only the one that removes the id counts it.
  const removed = missing.length > 0 ? await redis.srem(keys.workers, missing) : 0;
  if (removed > 0) await incrementCounter(redis, keys, "worker_lost", removed);
  return texts.flatMap((text) => {
    const parsed = workerDescriptionSchema.safeParse(text == null ? null : JSON.parse(text));
    return parsed.success ? [parsed.data] : [];
  });
}
