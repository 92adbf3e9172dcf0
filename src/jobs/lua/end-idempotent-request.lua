-- Unlocks a key and stores its response, forgets it, or leaves it as it is: if the request still has the lock. Returns 1 or 0.
local entry, lock, owned = unpack(KEYS)
local args = cjson.decode(ARGV[1])

if redis.call("GET", lock) ~= args.token then return 0 end
redis.call("DEL", lock)
if args.outcome == "answered" then
  redis.call("SET", entry, args.entry, "EX", args.keep_seconds)
elseif args.outcome == "rejected" then
  redis.call("DEL", entry)
  redis.call("ZREM", owned, entry)
end
return 1
