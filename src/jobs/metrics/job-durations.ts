import type { Redis } from "ioredis";
import type { RedisKeys } from "../../redis/keys.ts";

/** Upper bounds of the histogram's buckets, in seconds. */
const BUCKETS = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600] as const;

/** How long jobs of one outcome took, of all workers together: a histogram as Prometheus defines it. */
export interface JobDurations {
  outcome: "succeeded" | "failed";
  /** Jobs that took at most so many seconds. */
  buckets: { upTo: number; count: number }[];
  count: number;
  /** Seconds of all jobs together. */
  sum: number;
}

/** Records the time from a job's first start to its end. */
export async function recordJobDuration(
  redis: Redis,
  keys: RedisKeys,
  outcome: JobDurations["outcome"],
  seconds: number,
): Promise<void> {
  const bucket = BUCKETS.find((bound) => seconds <= bound) ?? "more";
  await redis
    .multi()
    .hincrby(keys.jobDurations, `${outcome}:${bucket}`, 1)
    .hincrbyfloat(keys.jobDurations, `${outcome}:sum`, seconds)
    .exec();
}

export async function readJobDurations(redis: Redis, keys: RedisKeys): Promise<JobDurations[]> {
  const stored = await redis.hgetall(keys.jobDurations);
  return (["succeeded", "failed"] as const).map((outcome) => {
    const read = (field: string | number) => Number(stored[`${outcome}:${field}`] ?? 0);
    let count = 0;
    const buckets = BUCKETS.map((upTo) => {
      count += read(upTo);
      return { upTo, count };
    });
    return { outcome, buckets, count: count + read("more"), sum: read("sum") };
  });
}
