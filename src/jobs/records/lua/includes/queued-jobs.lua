-- What is known of all queued jobs together: their estimated cost, and their sizes as a sorted set of ids.
local function addQueued(job, id, queuedCost, queuedSizes)
  local found = redis.call("HMGET", job, "cost", "options")
  redis.call("INCRBY", queuedCost, found[1])
  redis.call("ZADD", queuedSizes, cjson.decode(found[2]).size, id)
end
local function removeQueued(job, id, queuedCost, queuedSizes)
  redis.call("DECRBY", queuedCost, redis.call("HGET", job, "cost"))
  redis.call("ZREM", queuedSizes, id)
end
