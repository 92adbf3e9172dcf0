import type { Redis } from "ioredis";
import type { RedisKeys } from "../../redis/keys.ts";

/** Upper ends of the classes that jobs are counted in, in seconds. */
const CLASSES = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600] as const;

/** How jobs of one outcome were spread: a histogram in Prometheus's sense, of all workers together. */
export interface JobTimes {
  outcome: "succeeded" | "failed";
  /** Jobs that took at most so many seconds. */
  classes: { upTo: number; count: number }[];
  count: number;
  /** Seconds of all together. */
  sum: number;
}

/** Counts a job that has ended, by the time from its first start. */
export async function countJobTime(
  redis: Redis,
  keys: RedisKeys,
  outcome: JobTimes["outcome"],
  seconds: number,
): Promise<void> {
  const upTo = CLASSES.find((end) => seconds <= end) ?? "more";
  await redis
    .multi()
    .hincrby(keys.jobDurations, `${outcome}:${upTo}`, 1)
    .hincrbyfloat(keys.jobDurations, `${outcome}:sum`, seconds)
    .exec();
}

export async function readJobTimes(redis: Redis, keys: RedisKeys): Promise<JobTimes[]> {
  const stored = await redis.hgetall(keys.jobDurations);
  return (["succeeded", "failed"] as const).map((outcome) => {
    const number = (name: string | number) => Number(stored[`${outcome}:${name}`] ?? 0);
    let count = 0;
    const classes = CLASSES.map((upTo) => {
      count += number(upTo);
      return { upTo, count };
    });
    return { outcome, classes, count: count + number("more"), sum: number("sum") };
  });
}
