import type { Redis } from "ioredis";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { RedisKeys } from "../redis/keys.ts";

/** All requests are counted, and separately those that create jobs. */
type RateName = "requests" | "jobs";

export const WINDOW_SECONDS = 60;

export interface Rate {
  name: RateName;
  /** Allowed per window. */
  quota: number;
  remaining: number;
  /** Seconds until the window ends. */
  reset: number;
  exceeded: boolean;
}

/** Counts in Redis, across all processes, in windows of a minute. A quota of 0 means no limit. */
export class RateLimits {
  private readonly limiters: { name: RateName; quota: number; limiter: RateLimiterRedis }[];

  constructor(redis: Redis, keys: RedisKeys, quotas: Record<RateName, number>) {
    this.limiters = (["requests", "jobs"] as const)
      .filter((name) => quotas[name] > 0)
      .map((name) => ({
        name,
        quota: quotas[name],
        limiter: new RateLimiterRedis({
          storeClient: redis,
          keyPrefix: keys.rates(name),
          points: quotas[name],
          duration: WINDOW_SECONDS,
        }),
      }));
  }

  /** Counts one request of `client`, or `points` of them. */
  async count(client: string, names: readonly RateName[], points = 1): Promise<Rate[]> {
    const counted = this.limiters.filter(({ name }) => names.includes(name));
    return await Promise.all(
      counted.map(async ({ name, quota, limiter }) => {
        const { remainingPoints, consumedPoints, msBeforeNext } = await consume(limiter, client, points);
        const reset = Math.ceil(msBeforeNext / 1000);
        return { name, quota, remaining: remainingPoints, reset, exceeded: consumedPoints > quota };
      }),
    );
  }

  /** Takes back what `count` counted for a request that was rejected. */
  async uncount(client: string, name: RateName, points: number): Promise<void> {
    await this.limiters.find((one) => one.name === name)?.limiter.reward(client, points);
  }
}

/** The limiter rejects with a result if the quota is exceeded. */
async function consume(limiter: RateLimiterRedis, client: string, points: number): Promise<RateLimiterRes> {
  return await limiter.consume(client, points).catch((reason: unknown) => {
    if (reason instanceof RateLimiterRes) return reason;
    throw reason;
  });
}
