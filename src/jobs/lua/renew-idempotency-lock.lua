-- Prolongs the lock of a key, if the request still has it. Returns 1 or 0.
local args = cjson.decode(ARGV[1])
if redis.call("GET", KEYS[1]) ~= args.token then return 0 end
return redis.call("PEXPIRE", KEYS[1], args.lock_ms)
