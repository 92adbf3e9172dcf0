import type { Redis, Result } from "ioredis";
import { defineCapacityScripts } from "./capacity.ts";
import { LEAVE, PLACE } from "./fair-share.ts";

/** Jobs ahead whose work is added up one by one; where there are more, the mean of all that wait stands for each. */
const ADDED_UP = 32;

/**
 * What is ahead of some jobs. KEYS: BullMQ's list of jobs to take first (from its right end), BullMQ's sorted set of the
 * others, the jobs that wait, queued work. ARGV: prefix of jobs, id …
 * Gives for each how many will be taken before it, or -1, the work of these, and its record's revision, or 0. O(log n):
 * the list holds only jobs that lost their worker.
 */
const AHEAD = `
local function look(id)
  local revision = tonumber(redis.call("HGET", ARGV[1] .. id, "revision") or "0")
  local first = redis.call("LLEN", KEYS[1])
  local rank = redis.call("ZRANK", KEYS[2], id)
  local index = not rank and redis.call("LPOS", KEYS[1], id)
  if not rank and not index then return {-1, 0, revision} end
  local position = rank and first + rank or first - 1 - index
  if position > ${ADDED_UP} then
    local own = tonumber(redis.call("HGET", ARGV[1] .. id, "work") or "0")
    local others = math.max(1, redis.call("ZCARD", KEYS[3]) - 1)
    local sum = math.max(0, tonumber(redis.call("GET", KEYS[4]) or "0") - own)
    return {position, math.floor(position * sum / others), revision}
  end
  local ahead = {}
  if position > 0 then
    ahead = rank and redis.call("LRANGE", KEYS[1], 0, -1) or redis.call("LRANGE", KEYS[1], index + 1, -1)
    if rank and rank > 0 then
      for _, other in ipairs(redis.call("ZRANGE", KEYS[2], 0, rank - 1)) do table.insert(ahead, other) end
    end
  end
  local sum = 0
  for _, other in ipairs(ahead) do sum = sum + tonumber(redis.call("HGET", ARGV[1] .. other, "work") or "0") end
  return {position, sum, revision}
end
local answers = {}
for i = 2, #ARGV do answers[i - 1] = look(ARGV[i]) end
return answers`;

/** KEYS: a status set. ARGV: prefix of BullMQ's job keys, first rank, last rank. Gives ids that
 * BullMQ lacks, or that have no place yet (see fair-share.ts). */
const UNDISPATCHED = `
local lost = {}
for _, id in ipairs(redis.call("ZRANGE", KEYS[1], ARGV[2], ARGV[3])) do
  if redis.call("HGET", ARGV[1] .. id, "priority") ~= "0" then table.insert(lost, id) end
end
return lost`;

/** KEYS: a key, the running jobs. ARGV: longest time to live in ms, prefix of BullMQ's job keys. Also the jobs' locks. */
const SHORTEN = `
local function shorten(key)
  if redis.call("PTTL", key) > tonumber(ARGV[1]) then redis.call("PEXPIRE", key, ARGV[1]) end
end
shorten(KEYS[1])
for _, id in ipairs(redis.call("ZRANGE", KEYS[2], 0, -1)) do shorten(ARGV[2] .. id .. ":lock") end`;

declare module "ioredis" {
  interface RedisCommander<Context> {
    nstPlace(...keysAndArguments: string[]): Result<number, Context>;
    nstLeave(...keysAndArguments: string[]): Result<number, Context>;
    nstAhead(
      ...keysAndArguments: string[]
    ): Result<[position: number, work: number, revision: number][], Context>;
    nstUndispatched(...keysAndArguments: string[]): Result<string[], Context>;
    nstShorten(...keysAndArguments: string[]): Result<null, Context>;
  }
}

/** Makes the scripts callable on a connection. */
export function defineDispatchScripts(redis: Redis): void {
  defineCapacityScripts(redis);
  redis.defineCommand("nstPlace", { numberOfKeys: 4, lua: PLACE });
  redis.defineCommand("nstLeave", { numberOfKeys: 2, lua: LEAVE });
  redis.defineCommand("nstAhead", { numberOfKeys: 4, lua: AHEAD });
  redis.defineCommand("nstUndispatched", { numberOfKeys: 1, lua: UNDISPATCHED });
  redis.defineCommand("nstShorten", { numberOfKeys: 2, lua: SHORTEN });
}
