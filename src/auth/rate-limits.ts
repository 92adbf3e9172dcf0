import type { Redis } from "ioredis";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { available } from "../queue/available.ts";
import type { QueueKeys } from "../queue/keys.ts";

/** What is counted: every request, and those that make a job. */
export type RateName = "requests" | "jobs";

export const WINDOW_SECONDS = 60;

export interface Rate {
  name: RateName;
  /** How many there may be in a window. */
  quota: number;
  remaining: number;
  /** Seconds until the window ends. */
  reset: number;
  exceeded: boolean;
}

/** Counts in Redis, for all processes together, in windows of a minute; a quota of 0 is none. */
export class RateLimits {
  private readonly limiters: { name: RateName; quota: number; limiter: RateLimiterRedis }[];

  constructor(redis: Redis, keys: QueueKeys, quotas: Record<RateName, number>) {
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

  /** Counts one for `who`. Rejects with `QueueUnavailableError` while Redis cannot be reached. */
  async count(who: string, names: readonly RateName[]): Promise<Rate[]> {
    const counted = this.limiters.filter(({ name }) => names.includes(name));
    return await Promise.all(
      counted.map(async ({ name, quota, limiter }) => {
        const { remainingPoints, consumedPoints, msBeforeNext } = await consume(limiter, who);
        const reset = Math.ceil(msBeforeNext / 1000);
        return { name, quota, remaining: remainingPoints, reset, exceeded: consumedPoints > quota };
      }),
    );
  }
}

/** A rejection of the limiter's may be an answer too: too many. */
async function consume(limiter: RateLimiterRedis, who: string): Promise<RateLimiterRes> {
  return await available(() =>
    limiter.consume(who).catch((reason: unknown) => {
      if (reason instanceof RateLimiterRes) return reason;
      throw reason;
    }),
  );
}
