-- Moves the first job that fits a worker to the front, where BullMQ takes it next. Returns 1, or 0 if none fits. O(log n) if none
-- fits, else O(n) in the jobs before it.
local first, places, queuedSizes = unpack(KEYS) -- BullMQ takes the list `first` from its right end before it takes `places`
local args = cjson.decode(ARGV[1])
local PAGE = 500

if redis.call("ZCOUNT", queuedSizes, "-inf", args.largest_size) == 0 then return 0 end

-- A job that has ended meanwhile has no size; the worker drops it.
local function fits(size) return not size or tonumber(size) <= args.largest_size end

local returned = redis.call("LRANGE", first, 0, -1)
for index = #returned, 1, -1 do
  local id = returned[index]
  if fits(redis.call("ZSCORE", queuedSizes, id)) then
    redis.call("LREM", first, -1, id)
    redis.call("RPUSH", first, id)
    return 1
  end
end
for start = 0, redis.call("ZCARD", places) - 1, PAGE do
  local ids = redis.call("ZRANGE", places, start, start + PAGE - 1)
  for index, size in ipairs(redis.call("ZMSCORE", queuedSizes, unpack(ids))) do
    if fits(size) then
      redis.call("ZREM", places, ids[index])
      redis.call("RPUSH", first, ids[index])
      return 1
    end
  end
end
return 0
