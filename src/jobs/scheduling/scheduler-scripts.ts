import type { Redis, Result } from "ioredis";
import { LEAVE, PLACE } from "./fair-share.ts";
import { defineCapacityScripts } from "./requirements.ts";

/** Jobs ahead whose work is added up one by one; where there are more, the mean of all that wait stands for each. */
const ADDED_UP = 32;

/**
 * What is ahead of some jobs. KEYS: BullMQ's list of jobs to take first (from its right end), BullMQ's sorted set of the
 * others, the jobs that wait, queued work. ARGV: prefix of jobs, id …
 * Gives for each how many will be taken before it, or -1, the work of these, and its record's revision, or 0. O(log n):
 * the list holds only jobs that lost their worker.
 */
const AHEAD = `
local first = redis.call("LLEN", KEYS[1])
local line
local sums = {[0] = 0}
local function added_up(position)
  if not line then
    line = {}
    local again = redis.call("LRANGE", KEYS[1], -${ADDED_UP}, -1)
    for i = #again, 1, -1 do table.insert(line, again[i]) end
    if #line < ${ADDED_UP} then
      local others = redis.call("ZRANGE", KEYS[2], 0, ${ADDED_UP} - #line - 1)
      for _, other in ipairs(others) do table.insert(line, other) end
    end
  end
  for i = #sums + 1, position do
    sums[i] = sums[i - 1] + tonumber(redis.call("HGET", ARGV[1] .. line[i], "work") or "0")
  end
  return sums[position]
end
local waiting, total
local function reckoned(position, own)
  waiting = waiting or redis.call("ZCARD", KEYS[3])
  total = total or tonumber(redis.call("GET", KEYS[4]) or "0")
  return math.floor(position * math.max(0, total - own) / math.max(1, waiting - 1))
end
local function look(id)
  local found = redis.call("HMGET", ARGV[1] .. id, "revision", "work")
  local revision = tonumber(found[1] or "0")
  local position = redis.call("ZRANK", KEYS[2], id)
  if position then position = first + position
  elseif first > 0 then
    local index = redis.call("LPOS", KEYS[1], id)
    position = index and first - 1 - index
  end
  if not position then return {-1, 0, revision} end
  if position <= ${ADDED_UP} then return {position, added_up(position), revision} end
  return {position, reckoned(position, tonumber(found[2] or "0")), revision}
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

declare module "ioredis" {
  interface RedisCommander<Context> {
    nstPlace(...keysAndArguments: string[]): Result<number, Context>;
    nstLeave(...keysAndArguments: string[]): Result<number, Context>;
    nstAhead(
      ...keysAndArguments: string[]
    ): Result<[position: number, work: number, revision: number][], Context>;
    nstUndispatched(...keysAndArguments: string[]): Result<string[], Context>;
  }
}

/** Makes the scripts callable on a connection. */
export function defineDispatchScripts(redis: Redis): void {
  defineCapacityScripts(redis);
  redis.defineCommand("nstPlace", { numberOfKeys: 4, lua: PLACE });
  redis.defineCommand("nstLeave", { numberOfKeys: 2, lua: LEAVE });
  redis.defineCommand("nstAhead", { numberOfKeys: 4, lua: AHEAD });
  redis.defineCommand("nstUndispatched", { numberOfKeys: 1, lua: UNDISPATCHED });
}
