-- Writes a value if the key still has the expected one. Returns 1, or 0 if another process was faster.
local expected, value = ARGV[2], ARGV[3]
if redis.call("GET", KEYS[1]) ~= expected then return 0 end
redis.call("SET", KEYS[1], value, "KEEPTTL")
return 1
