/**
 * Whose job is next where several owners wait: each in turn. A job's score in BullMQ's sorted set is the round in which
 * it is its turn, and within a round the order of arrival (start-time fair queueing, Goyal et al. 1996, every job at
 * one cost): an owner's first job gets the round that is being served, each further one the round after the one
 * before. So one who queues 500 jobs holds a place in each of 500 rounds, and whoever comes later is served in the next.
 *
 * A client's own `priority` orders the jobs of one owner: they share the owner's places out among them. The rank in
 * the set stays the exact position. Nothing need be remembered of an owner who has nothing waiting.
 */

const FIRST_ROUND = 1;
/** BullMQ's priority of a job that is yet to be given its place: behind everything that has one. */
export const UNPLACED = 2_000_000;
/** Past this round all are counted down: a score is round · 2³² + arrival, and must be exact in a double. */
const HIGHEST_ROUND = 1_000_000;
const ROUND = 2 ** 32;

/** KEYS[1] is BullMQ's sorted set. */
const PLACES = `
local places = KEYS[1]
local function place(id) return redis.call("ZSCORE", places, id) end

-- Each of ids takes the place of the one before it, the first one \`given\`; gives the place that the last one had.
local function move_up(ids, given)
  for _, id in ipairs(ids) do
    local before = place(id)
    if before then
      redis.call("ZADD", places, given, id)
      given = before
    end
  end
  return given
end`;

/**
 * Gives a job its place, unless it has one or a worker has it already.
 * KEYS: BullMQ's sorted set, BullMQ's job, the order of the owner's waiting jobs, counter of arrivals.
 * ARGV: id, priority. Gives 1 where it was placed.
 *
 * BullMQ's own priority of a placed job is 0: one that a worker gives back goes to the front of all.
 */
export const PLACE = `
${PLACES}
local id, order = ARGV[1], KEYS[3]
local priority = redis.call("HGET", KEYS[2], "priority")
if not priority or priority == "0" then return 0 end
redis.call("HSET", KEYS[2], "priority", "0")
if not place(id) then return 0 end

-- Those that a worker took in the meantime.
for _, edge in ipairs({0, -1}) do
  local one = redis.call("ZRANGE", order, edge, edge)[1]
  while one and not place(one) do
    redis.call("ZREM", order, one)
    one = redis.call("ZRANGE", order, edge, edge)[1]
  end
end

local function round_of(score) return math.floor(tonumber(score) / ${ROUND}) end
local placed = {"${FIRST_ROUND * ROUND}", "(${UNPLACED * ROUND}"}
local first = redis.call("ZRANGEBYSCORE", places, placed[1], placed[2], "WITHSCORES", "LIMIT", 0, 1)[2]
local round = first and round_of(first) or ${FIRST_ROUND}
if round > ${HIGHEST_ROUND} then
  local down = string.format("%.0f", (${FIRST_ROUND} - round) * ${ROUND})
  for _, one in ipairs(redis.call("ZRANGEBYSCORE", places, placed[1], placed[2])) do
    redis.call("ZINCRBY", places, down, one)
  end
  round = ${FIRST_ROUND}
end
local last = redis.call("ZRANGE", order, -1, -1)[1]
if last then round = math.max(round, round_of(place(last)) + 1) end

local arrival = redis.call("INCR", KEYS[4]) % ${ROUND}
redis.call("ZADD", order, string.format("%.0f", tonumber(ARGV[2]) * ${ROUND} + arrival), id)
local behind = redis.call("ZCARD", order) - redis.call("ZRANK", order, id) - 1
local later = behind > 0 and redis.call("ZREVRANGE", order, 0, behind - 1) or {}
redis.call("ZADD", places, move_up(later, string.format("%.0f", round * ${ROUND} + arrival)), id)
return 1`;

/**
 * Takes a job out of its owner's order; those behind it move up, and it has the last of their places until BullMQ
 * forgets it. KEYS: BullMQ's sorted set, the owner's order. ARGV: id.
 */
export const LEAVE = `
${PLACES}
local id, order = ARGV[1], KEYS[2]
local rank = redis.call("ZRANK", order, id)
if not rank then return 0 end
redis.call("ZREM", order, id)
local given = place(id)
if not given then return 0 end
redis.call("ZADD", places, move_up(redis.call("ZRANGE", order, rank, -1), given), id)
return 1`;
