import type { Redis, Result } from "ioredis";
import { jobStatusSchema } from "../../contract/job.ts";

/** The order in which every script gets the keys of the status sets. */
export const STATUSES = jobStatusSchema.options;

const statusSets = (first: number) =>
  `local sets = {${STATUSES.map((status, index) => `${status} = KEYS[${first + index}]`).join(", ")}}`;

/**
 * Names of an owner's sets are made from the record's own owner: whoever changes a job need not know it. All keys lie
 * in one slot, so that a Redis Cluster finds them there too.
 */
const ownerSets = (prefix: string) => `
local owner = cjson.decode(redis.call("HGET", KEYS[1], "owner"))
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

/** What CREATE gives. */
export type Creation = "created" | "exists" | "full" | "quota" | "kept";

declare module "ioredis" {
  interface RedisCommander<Context> {
    nstCreate(...keysAndArguments: string[]): Result<Creation, Context>;
    nstChange(...keysAndArguments: string[]): Result<"applied" | "refused" | "missing", Context>;
    nstRemove(...keysAndArguments: string[]): Result<string[], Context>;
    nstDelivered(...keysAndArguments: string[]): Result<number, Context>;
  }
}

/** Makes the scripts callable on a connection. */
export function defineRecordScripts(redis: Redis): void {
  redis.defineCommand("nstCreate", { numberOfKeys: 8, lua: CREATE });
  redis.defineCommand("nstChange", { numberOfKeys: 4 + STATUSES.length, lua: CHANGE });
  redis.defineCommand("nstRemove", { numberOfKeys: 3 + STATUSES.length, lua: REMOVE });
  redis.defineCommand("nstDelivered", { numberOfKeys: 1, lua: DELIVERED });
}
