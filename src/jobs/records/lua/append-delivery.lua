-- Adds an attempt to the log of a job's webhook deliveries and keeps the latest ones. Does nothing if the job is gone.
local job = KEYS[1]
local args = cjson.decode(ARGV[1])
local delivery = ARGV[2]

if redis.call("EXISTS", job) == 0 then return 0 end
local log = cjson.decode(redis.call("HGET", job, "deliveries") or "[]")
table.insert(log, cjson.decode(delivery))
while #log > args.keep do table.remove(log, 1) end
redis.call("HSET", job, "deliveries", cjson.encode(log))
return redis.call("HINCRBY", job, "revision", 1)
