import type { Redis } from "ioredis";

/**
 * Runs `action` in one process only: in the first that asks within `ms`. Returns null in the others. After an error the next that
 * asks runs it.
 */
export async function withLease<Result>(
  redis: Redis,
  key: string,
  ms: number,
  action: () => Promise<Result>,
): Promise<Result | null> {
  if ((await redis.set(key, "", "PX", ms, "NX")) === null) return null;
  try {
    return await action();
  } catch (error) {
    await redis.del(key).catch(() => undefined);
    throw error;
  }
}
