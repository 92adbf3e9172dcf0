-- For each job in the values: its position (-1 if it is not queued), the estimated cost of all jobs ahead of it, and the revision
-- of its record (0 if there is none). O(log n): the list of jobs to take first has only jobs that workers returned.
local first, places, queued, queuedCost = unpack(KEYS)
local args = cjson.decode(ARGV[1])

-- Costs of the jobs at the head are added up one by one. Further back, the mean cost of all queued jobs stands for each.
local ADDED_UP = 32
local returned = redis.call("LLEN", first)
local sums = {[0] = 0}
local head

local function readHead()
  head = {}
  local jobs = redis.call("LRANGE", first, -ADDED_UP, -1)
  for index = #jobs, 1, -1 do table.insert(head, jobs[index]) end
  if #head >= ADDED_UP then return end
  for _, job in ipairs(redis.call("ZRANGE", places, 0, ADDED_UP - #head - 1)) do table.insert(head, job) end
end

local function sumOfHead(position)
  if not head then readHead() end
  for index = #sums + 1, position do
    local cost = redis.call("HGET", args.job_prefix .. head[index], "cost")
    sums[index] = sums[index - 1] + tonumber(cost or 0)
  end
  return sums[position]
end

local count, total
local function estimate(position, ownCost)
  count = count or redis.call("ZCARD", queued)
  total = total or tonumber(redis.call("GET", queuedCost) or 0)
  return math.floor(position * math.max(0, total - ownCost) / math.max(1, count - 1))
end

local function positionOf(id)
  local rank = redis.call("ZRANK", places, id)
  if rank then return returned + rank end
  if returned == 0 then return nil end
  local index = redis.call("LPOS", first, id)
  return index and returned - 1 - index
end

local backlogs = {}
for index = 2, #ARGV do
  local found = redis.call("HMGET", args.job_prefix .. ARGV[index], "revision", "cost")
  local revision, ownCost = tonumber(found[1] or 0), tonumber(found[2] or 0)
  local position = positionOf(ARGV[index])
  local cost = 0
  if position then cost = position <= ADDED_UP and sumOfHead(position) or estimate(position, ownCost) end
  backlogs[index - 1] = {position or -1, cost, revision}
end
return backlogs
