-- Stores the first entry of a key, unless there is one. Returns the entry that is stored then. Of an owner's keys the latest are kept.
local entry, owned = unpack(KEYS)
local args = cjson.decode(ARGV[1])

local known = redis.call("GET", entry)
if known then return known end
redis.call("SET", entry, args.entry, "EX", args.keep_seconds)

local time = redis.call("TIME")
local now = time[1] + time[2] / 1000000
redis.call("ZREMRANGEBYSCORE", owned, "-inf", now)
redis.call("ZADD", owned, now + args.keep_seconds, entry)
redis.call("EXPIRE", owned, args.keep_seconds)
local excess = redis.call("ZCARD", owned) - args.max_keys
if excess > 0 then
  for _, oldest in ipairs(redis.call("ZRANGE", owned, 0, excess - 1)) do
    redis.call("DEL", oldest)
    redis.call("ZREM", owned, oldest)
  end
end
return args.entry
