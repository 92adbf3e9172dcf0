-- Assigns a new job its place in the order of all jobs, unless it has one or a worker has taken it.
--
-- Owners are served in turn (start-time fair queueing, Goyal et al. 1996, with all jobs at the same cost). A job's score in
-- BullMQ's sorted set is the round in which it is served, and within a round its arrival. An owner's first job gets the round
-- that is served now, each further job the round after the owner's previous one. So an owner who queues 500 jobs holds a
-- place in each of 500 rounds, and an owner who comes later is served in the next round.
--
-- `priority` orders the jobs of one owner: they share the owner's places. A rank in the set is a job's exact position. An owner
-- with no queued jobs leaves no state behind.
--
-- BullMQ's own priority of a placed job becomes 0, so that BullMQ returns a job to the front if a worker returns it.
-- @include "includes/shift-scores.lua"
local places, bullmqJob, ownerOrder, arrivals = unpack(KEYS)
local args = cjson.decode(ARGV[1])
local id = args.id

local ROUND = 2 ^ 32 -- a score is round * ROUND + arrival, which must be exact in a double
local FIRST_ROUND = 1
local LAST_ROUND = 1000000 -- beyond it all rounds are counted down

local function exact(number) return string.format("%.0f", number) end
local function roundOf(score) return math.floor(tonumber(score) / ROUND) end
local function scoreOf(member) return redis.call("ZSCORE", places, member) end

local bullmqPriority = redis.call("HGET", bullmqJob, "priority")
if not bullmqPriority or bullmqPriority == "0" then return 0 end
redis.call("HSET", bullmqJob, "priority", "0")
if not scoreOf(id) then return 0 end

-- Drops jobs from the ends of the owner's order that workers have taken.
for _, rank in ipairs({0, -1}) do
  local member = redis.call("ZRANGE", ownerOrder, rank, rank)[1]
  while member and not scoreOf(member) do
    redis.call("ZREM", ownerOrder, member)
    member = redis.call("ZRANGE", ownerOrder, rank, rank)[1]
  end
end

-- New jobs wait behind all placed ones, at `unplaced_priority`.
local first, last = exact(FIRST_ROUND * ROUND), "(" .. exact(args.unplaced_priority * ROUND)
local head = redis.call("ZRANGEBYSCORE", places, first, last, "WITHSCORES", "LIMIT", 0, 1)[2]
local round = head and roundOf(head) or FIRST_ROUND
if round > LAST_ROUND then
  local shift = exact((FIRST_ROUND - round) * ROUND)
  for _, member in ipairs(redis.call("ZRANGEBYSCORE", places, first, last)) do
    redis.call("ZINCRBY", places, shift, member)
  end
  round = FIRST_ROUND
end
local previous = redis.call("ZRANGE", ownerOrder, -1, -1)[1]
if previous then round = math.max(round, roundOf(scoreOf(previous)) + 1) end

local arrival = redis.call("INCR", arrivals) % ROUND
redis.call("ZADD", ownerOrder, exact(args.priority * ROUND + arrival), id)
local behind = redis.call("ZCARD", ownerOrder) - redis.call("ZRANK", ownerOrder, id) - 1
local lower = behind > 0 and redis.call("ZREVRANGE", ownerOrder, 0, behind - 1) or {}
redis.call("ZADD", places, shiftScores(places, lower, exact(round * ROUND + arrival)), id)
return 1
