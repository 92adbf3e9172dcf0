import type { Redis } from "ioredis";
import { z } from "zod";
import { engineSchema } from "../../contract/engine.ts";
import type { RedisKeys } from "../../redis/keys.ts";
import { incrementCounter } from "../metrics/counters.ts";

/** A worker without a heartbeat for so long counts as lost. */
const WORKER_TIMEOUT_MS = 15_000;
export const HEARTBEAT_MS = 4_000;

const workerDescriptionSchema = z.object({
  id: z.string(),
  /** Version of this software. */
  version: z.string(),
  host: z.string(),
  pid: z.int(),
  started_at: z.iso.datetime(),
  /** false: why not is in `reason`, with the code that jobs would fail with. */
  ready: z.boolean(),
  reason: z.object({ code: z.string(), message: z.string() }).nullable(),
  engine: engineSchema.nullable(),
  /** Longest edge of the results that it takes, in pixels. */
  largest_size: z.int().min(0),
  /** Seconds for one unit of cost (see `estimateCost`); null before it has painted. */
  seconds_per_cost: z.number().min(0).nullable(),
  /** Seconds until its job is done, 0 without a job; null if unknown. */
  free_in_seconds: z.number().min(0).nullable(),
  /** Time of a step of the job that it is at. */
  step_ms: z.number().min(0).nullable().optional(),
  /** Memory that its engine process holds. */
  engine_resident_bytes: z.int().min(0).nullable().optional(),
  /** The job that it is at. */
  job: z.string().nullable(),
});
export type WorkerDescription = z.infer<typeof workerDescriptionSchema>;

/** Says that this worker lives; Redis forgets it by itself. */
export async function announceWorker(
  redis: Redis,
  keys: RedisKeys,
  worker: WorkerDescription,
): Promise<void> {
  await redis
    .multi()
    .sadd(keys.workers, worker.id)
    .set(keys.worker(worker.id), JSON.stringify(worker), "PX", WORKER_TIMEOUT_MS)
    .exec();
}

export async function forgetWorker(redis: Redis, keys: RedisKeys, id: string): Promise<void> {
  await redis.multi().srem(keys.workers, id).del(keys.worker(id)).exec();
}

/** The workers that live, the dead ones' names being cleared away on the way. */
export async function findWorkers(redis: Redis, keys: RedisKeys): Promise<WorkerDescription[]> {
  const ids = await redis.smembers(keys.workers);
  if (ids.length === 0) return [];
  const texts = await redis.mget(ids.map((id) => keys.worker(id)));
  const gone = ids.filter((_, index) => texts[index] == null);
  // Of several that miss one, only who takes it out counts it.
  const lost = gone.length > 0 ? await redis.srem(keys.workers, gone) : 0;
  if (lost > 0) await incrementCounter(redis, keys, "worker_lost", lost);
  return texts.flatMap((text) => (text == null ? [] : [workerDescriptionSchema.parse(JSON.parse(text))]));
}
