import type { Redis, Result } from "ioredis";
import { LOCAL_OWNER } from "../../contract/access.ts";
import { jobStatusSchema } from "../../contract/job.ts";
import { defineCapacityScripts } from "../dispatch/capacity.ts";
import { LEAVE, PLACE } from "../dispatch/fair-share.ts";

/** The order in which every script gets the keys of the status sets. */
export const STATUSES = jobStatusSchema.options;

const statusSets = (first: number) =>
  `local sets = {${STATUSES.map((status, index) => `${status} = KEYS[${first + index}]`).join(", ")}}`;

/**
 * Names of an owner's sets are made from the record's own owner: whoever changes a job need not know it. All keys lie
 * in one slot, so that a Redis Cluster finds them there too.
 */
const ownerSets = (prefix: string) => `
local owner = cjson.decode(redis.call("HGET", KEYS[1], "owner") or '"${LOCAL_OWNER}"')
local function owners(of) return ${prefix} .. owner .. ":" .. of end`;

/** Counts what a job costs to, or with "-" from, the sum of those that wait. */
const count = (sum: string, sign: "" | "-") => `
local work = redis.call("HGET", KEYS[1], "work")
if work then redis.call("INCRBY", ${sum}, "${sign}" .. work) end`;

/** Puts a change of status into the outbox where the job's webhook asked for it, with the record as it now is. */
const tell = (outbox: string, status: string) => `
local webhook = redis.call("HGET", KEYS[1], "webhook")
if webhook then
  for _, event in ipairs(cjson.decode(webhook).events) do
    if event == "job." .. ${status} then
      local now = redis.call("TIME")
      local at = now[1] * 1000 + math.floor(now[2] / 1000)
      local fields = redis.call("HGETALL", KEYS[1])
      redis.call("RPUSH", ${outbox}, cjson.encode({event = event, at = at, fields = fields}))
    end
  end
end`;

/**
 * KEYS: job, all, expiring, queued, the owner's, the owner's queued, outbox, queued work.
 * ARGV: id, most that may wait, most of an owner's that may wait, most of an owner's, time of expiry in ms or "",
 * field, JSON, field, JSON …
 */
const CREATE = `
if redis.call("EXISTS", KEYS[1]) == 1 then return "exists" end
if redis.call("ZCARD", KEYS[4]) >= tonumber(ARGV[2]) then return "full" end
if redis.call("ZCARD", KEYS[6]) >= tonumber(ARGV[3]) then return "quota" end
if redis.call("ZCARD", KEYS[5]) >= tonumber(ARGV[4]) then return "kept" end
for i = 6, #ARGV, 2 do
  if ARGV[i + 1] ~= "" then redis.call("HSET", KEYS[1], ARGV[i], ARGV[i + 1]) end
end
redis.call("ZADD", KEYS[2], 0, ARGV[1])
redis.call("ZADD", KEYS[4], 0, ARGV[1])
redis.call("ZADD", KEYS[5], 0, ARGV[1])
redis.call("ZADD", KEYS[6], 0, ARGV[1])
if ARGV[5] ~= "" then redis.call("ZADD", KEYS[3], ARGV[5], ARGV[1]) end
${count("KEYS[8]", "")}
${tell("KEYS[7]", '"queued"')}
return "created"`;

/**
 * The one way in which a job changes after its birth: compare and set.
 * KEYS: job, expiring, then the status sets, outbox, queued work.
 * ARGV: id, channel, states in which the change is allowed (",queued,running,"), next state or "", the run that
 * must own the job or "", the revision that it must have or "", time of expiry in ms ("-" for none, "" to leave
 * it), a time in ms and as JSON for a job that has no time of expiry yet ("" to leave it without), prefix of
 * owners' sets, field, JSON or "" to remove it, …
 * Gives "applied", "refused" or "missing".
 */
const CHANGE = `
${statusSets(3)}
local found = redis.call("HMGET", KEYS[1], "status", "run", "revision")
if not found[1] then return "missing" end
local status = cjson.decode(found[1])
if not string.find(ARGV[3], "," .. status .. ",", 1, true) then return "refused" end
if ARGV[5] ~= "" and found[2] ~= ARGV[5] then return "refused" end
if ARGV[6] ~= "" and found[3] ~= ARGV[6] then return "refused" end
for i = 11, #ARGV, 2 do
  if ARGV[i + 1] == "" then redis.call("HDEL", KEYS[1], ARGV[i])
  else redis.call("HSET", KEYS[1], ARGV[i], ARGV[i + 1]) end
end
local revision = redis.call("HINCRBY", KEYS[1], "revision", 1)
local moved = false
if ARGV[4] ~= "" and ARGV[4] ~= status then
  if status == "queued" then ${count(`KEYS[${4 + STATUSES.length}]`, "-")} end
  if ARGV[4] == "queued" then ${count(`KEYS[${4 + STATUSES.length}]`, "")} end
  redis.call("ZREM", sets[status], ARGV[1])
  redis.call("ZADD", sets[ARGV[4]], 0, ARGV[1])
  ${ownerSets("ARGV[10]")}
  redis.call("ZREM", owners(status), ARGV[1])
  redis.call("ZADD", owners(ARGV[4]), 0, ARGV[1])
  if ARGV[4] == "running" then redis.call("ZREM", owners("order"), ARGV[1]) end
  redis.call("HSET", KEYS[1], "status", cjson.encode(ARGV[4]))
  status = ARGV[4]
  moved = true
end
if ARGV[7] == "-" then redis.call("ZREM", KEYS[2], ARGV[1])
elseif ARGV[7] ~= "" then redis.call("ZADD", KEYS[2], ARGV[7], ARGV[1])
elseif ARGV[8] ~= "" and redis.call("HSETNX", KEYS[1], "expires_at", ARGV[9]) == 1 then
  redis.call("ZADD", KEYS[2], ARGV[8], ARGV[1])
end
if moved then
  ${tell(`KEYS[${3 + STATUSES.length}]`, "status")}
end
local steered = tonumber(redis.call("HGET", KEYS[1], "steered") or 0)
redis.call("PUBLISH", ARGV[2], cjson.encode({id = ARGV[1], revision = revision, status = status, steered = steered}))
return "applied"`;

/** KEYS: job, all, expiring, then the status sets. ARGV: id, states in which it may go, prefix of owners'
 * sets. Gives the fields it had. */
const REMOVE = `
${statusSets(4)}
local found = redis.call("HGET", KEYS[1], "status")
if not found then return {} end
local status = cjson.decode(found)
if not string.find(ARGV[2], "," .. status .. ",", 1, true) then return {} end
local fields = redis.call("HGETALL", KEYS[1])
${ownerSets("ARGV[3]")}
redis.call("ZREM", owners("all"), ARGV[1])
redis.call("ZREM", owners(status), ARGV[1])
redis.call("DEL", KEYS[1])
redis.call("ZREM", KEYS[2], ARGV[1])
redis.call("ZREM", KEYS[3], ARGV[1])
redis.call("ZREM", sets[status], ARGV[1])
return fields`;

/** Adds an attempt to a job's log of deliveries. KEYS: job. ARGV: attempt as JSON, how many are kept. */
const DELIVERED = `
if redis.call("EXISTS", KEYS[1]) == 0 then return 0 end
local log = cjson.decode(redis.call("HGET", KEYS[1], "deliveries") or "[]")
table.insert(log, cjson.decode(ARGV[1]))
while #log > tonumber(ARGV[2]) do table.remove(log, 1) end
redis.call("HSET", KEYS[1], "deliveries", cjson.encode(log))
return redis.call("HINCRBY", KEYS[1], "revision", 1)`;

/** Puts a job into its owner's sets. KEYS: job. ARGV: id, prefix of owners' sets. Gives 1 where it was not there. */
const ADOPT = `
local found = redis.call("HGET", KEYS[1], "status")
if not found then return 0 end
${ownerSets("ARGV[2]")}
redis.call("ZADD", owners(cjson.decode(found)), 0, ARGV[1])
return redis.call("ZADD", owners("all"), 0, ARGV[1])`;

/**
 * KEYS: BullMQ's list of jobs to take first (from its right end), BullMQ's sorted set of the others. ARGV: id.
 * Gives how many will be taken before, or -1. O(log n): the list holds only jobs that lost their worker.
 */
const POSITION = `
local first = redis.call("LLEN", KEYS[1])
local rank = redis.call("ZRANK", KEYS[2], ARGV[1])
if rank then return first + rank end
local index = redis.call("LPOS", KEYS[1], ARGV[1])
if index then return first - 1 - index end
return -1`;

/** Jobs ahead whose work is added up one by one; where there are more, the mean of all that wait stands for each. */
const ADDED_UP = 32;

/**
 * What is ahead of some jobs. KEYS: as for POSITION, then the jobs that wait, queued work. ARGV: prefix of jobs, id …
 * Gives for each the position, or -1, the work of the jobs before it, and its record's revision, or 0. O(log n).
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
 * BullMQ lacks, or that have no place yet (see ../dispatch/fair-share.ts). */
const UNDISPATCHED = `
local lost = {}
for _, id in ipairs(redis.call("ZRANGE", KEYS[1], ARGV[2], ARGV[3])) do
  if redis.call("HGET", ARGV[1] .. id, "priority") ~= "0" then table.insert(lost, id) end
end
return lost`;

/** What CREATE gives. */
export type Creation = "created" | "exists" | "full" | "quota" | "kept";

/** KEYS: a key, the running jobs. ARGV: longest time to live in ms, prefix of BullMQ's job keys. Also the jobs' locks. */
const SHORTEN = `
local function shorten(key)
  if redis.call("PTTL", key) > tonumber(ARGV[1]) then redis.call("PEXPIRE", key, ARGV[1]) end
end
shorten(KEYS[1])
for _, id in ipairs(redis.call("ZRANGE", KEYS[2], 0, -1)) do shorten(ARGV[2] .. id .. ":lock") end`;

declare module "ioredis" {
  interface RedisCommander<Context> {
    nstCreate(...keysAndArguments: string[]): Result<Creation, Context>;
    nstChange(...keysAndArguments: string[]): Result<"applied" | "refused" | "missing", Context>;
    nstRemove(...keysAndArguments: string[]): Result<string[], Context>;
    nstDelivered(...keysAndArguments: string[]): Result<number, Context>;
    nstAdopt(...keysAndArguments: string[]): Result<number, Context>;
    nstPlace(...keysAndArguments: string[]): Result<number, Context>;
    nstLeave(...keysAndArguments: string[]): Result<number, Context>;
    nstPosition(...keysAndArguments: string[]): Result<number, Context>;
    nstAhead(
      ...keysAndArguments: string[]
    ): Result<[position: number, work: number, revision: number][], Context>;
    nstShorten(...keysAndArguments: string[]): Result<null, Context>;
    nstUndispatched(...keysAndArguments: string[]): Result<string[], Context>;
  }
}

/** Makes the scripts callable on a connection. */
export function defineScripts(redis: Redis): void {
  defineCapacityScripts(redis);
  redis.defineCommand("nstCreate", { numberOfKeys: 8, lua: CREATE });
  redis.defineCommand("nstChange", { numberOfKeys: 4 + STATUSES.length, lua: CHANGE });
  redis.defineCommand("nstRemove", { numberOfKeys: 3 + STATUSES.length, lua: REMOVE });
  redis.defineCommand("nstDelivered", { numberOfKeys: 1, lua: DELIVERED });
  redis.defineCommand("nstAdopt", { numberOfKeys: 1, lua: ADOPT });
  redis.defineCommand("nstPlace", { numberOfKeys: 4, lua: PLACE });
  redis.defineCommand("nstLeave", { numberOfKeys: 2, lua: LEAVE });
  redis.defineCommand("nstPosition", { numberOfKeys: 2, lua: POSITION });
  redis.defineCommand("nstAhead", { numberOfKeys: 4, lua: AHEAD });
  redis.defineCommand("nstShorten", { numberOfKeys: 2, lua: SHORTEN });
  redis.defineCommand("nstUndispatched", { numberOfKeys: 1, lua: UNDISPATCHED });
}
