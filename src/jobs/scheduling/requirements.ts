import type { Redis, Result } from "ioredis";
import { SIZE_RANGE } from "../../contract/options.ts";
import type { RedisKeys } from "../../redis/keys.ts";
import type { WorkerDescription } from "./worker-registry.ts";

/** What a worker takes. */
export interface Capacity {
  /** Longest edge of a result in pixels. */
  largestSize: number;
}

/** What a job asks of a worker. */
export interface Requirements {
  size: number;
}

export const capacityOf = ({ largest_size }: WorkerDescription): Capacity => ({
  largestSize: largest_size,
});

export const fits = (demand: Requirements, capacity: Capacity): boolean =>
  demand.size <= capacity.largestSize;

/** Whether a worker takes every job. */
export const takesAll = (capacity: Capacity): boolean => fits({ size: SIZE_RANGE.maximum }, capacity);

/** A job's demand, read from its record. */
const DEMAND = `
local function demand(job)
  return tonumber(string.match(redis.call("HGET", job, "options") or "", '"size":(%d+)') or "0")
end`;

/**
 * KEYS: BullMQ's list of jobs to take first (from its right end), BullMQ's sorted set of the others.
 * ARGV: prefix of the records' keys, largest size.
 * Brings the first job that fits to the right end of the list, where it is taken next. Gives 1, or 0 where none fits.
 * O(n) in the jobs before it, about 1 µs each.
 */
const BRING_FORWARD = `${DEMAND}
local function fits(id)
  local size = demand(ARGV[1] .. id)
  return size <= tonumber(ARGV[2])
end
local first = redis.call("LRANGE", KEYS[1], 0, -1)
for i = #first, 1, -1 do
  if fits(first[i]) then
    redis.call("LREM", KEYS[1], -1, first[i])
    redis.call("RPUSH", KEYS[1], first[i])
    return 1
  end
end
for start = 0, redis.call("ZCARD", KEYS[2]), 500 do
  for _, id in ipairs(redis.call("ZRANGE", KEYS[2], start, start + 499)) do
    if fits(id) then
      redis.call("ZREM", KEYS[2], id)
      redis.call("RPUSH", KEYS[1], id)
      return 1
    end
  end
end
return 0`;

/**
 * KEYS: the set of queued jobs. ARGV: prefix of the records' keys, the largest size that a worker takes.
 * Gives how many jobs are larger, and the largest size among these.
 */
const UNFIT = `${DEMAND}
local count, largest = 0, 0
for _, id in ipairs(redis.call("ZRANGE", KEYS[1], 0, -1)) do
  local size = demand(ARGV[1] .. id)
  if size > tonumber(ARGV[2]) then
    count = count + 1
    largest = math.max(largest, size)
  end
end
return {count, largest}`;

declare module "ioredis" {
  interface RedisCommander<Context> {
    nstBringForward(...keysAndArguments: string[]): Result<number, Context>;
    nstUnfit(...keysAndArguments: string[]): Result<[number, number], Context>;
  }
}

export function defineCapacityScripts(redis: Redis): void {
  redis.defineCommand("nstBringForward", { numberOfKeys: 2, lua: BRING_FORWARD });
  redis.defineCommand("nstUnfit", { numberOfKeys: 1, lua: UNFIT });
}

/** What a job asks for, or null where there is no such job. */
export async function requirementsOf(
  redis: Redis,
  keys: RedisKeys,
  id: string,
): Promise<Requirements | null> {
  const options = await redis.hget(keys.job(id), "options");
  if (options == null) return null;
  const { size } = JSON.parse(options) as { size?: unknown };
  return { size: Number(size) };
}

/** Makes the first waiting job that fits the next one to be taken. Gives false where none does. */
export async function promoteFirstMatching(
  redis: Redis,
  keys: RedisKeys,
  { largestSize }: Capacity,
): Promise<boolean> {
  const lists = [keys.dispatch("wait"), keys.dispatch("prioritized")];
  const bounds = [String(largestSize)];
  return (await redis.nstBringForward(...lists, keys.job(""), ...bounds)) === 1;
}

/** How many queued jobs none of the workers takes, and the largest of these. O(n) in the queued jobs. */
export async function unfitJobs(
  redis: Redis,
  keys: RedisKeys,
  workers: Capacity[],
): Promise<{ count: number; largestSize: number }> {
  const largest = Math.max(0, ...workers.map(({ largestSize }) => largestSize));
  const [count, largestSize] = await redis.nstUnfit(keys.status("queued"), keys.job(""), String(largest));
  return { count, largestSize };
}
