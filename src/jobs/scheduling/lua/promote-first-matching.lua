-- Moves the first job that fits a worker to the front, where BullMQ takes it next. Returns 1, or 0 if none fits. O(n) in the
-- jobs that do not fit, about 1 µs for each.
-- @include "includes/fits.lua"
local first, places = unpack(KEYS) -- BullMQ takes the list `first` from its right end before it takes `places`
local args = cjson.decode(ARGV[1])
local PAGE = 500

local returned = redis.call("LRANGE", first, 0, -1)
for index = #returned, 1, -1 do
  local id = returned[index]
  if fits(args.job_prefix .. id, args.largest_size) then
    redis.call("LREM", first, -1, id)
    redis.call("RPUSH", first, id)
    return 1
  end
end
for start = 0, redis.call("ZCARD", places), PAGE do
  for _, id in ipairs(redis.call("ZRANGE", places, start, start + PAGE - 1)) do
    if fits(args.job_prefix .. id, args.largest_size) then
      redis.call("ZREM", places, id)
      redis.call("RPUSH", first, id)
      return 1
    end
  end
end
return 0
