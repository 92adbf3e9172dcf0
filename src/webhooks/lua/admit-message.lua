-- Adds a message to its owner's undelivered ones, unless the queue knows it. Returns the messages that are given up for it: the
-- oldest of its job, and then of its owner, beyond the limits. Ids sort by the job's time, and then by the job's revision.
local undelivered, message = unpack(KEYS)
local args = cjson.decode(ARGV[1])

if redis.call("EXISTS", message) == 1 then return {} end
redis.call("ZADD", undelivered, 0, args.id)

local from, to = "[" .. args.job_prefix, "(" .. args.job_prefix .. "~"
local ofJob = redis.call("ZLEXCOUNT", undelivered, from, to) - args.max_of_job
local ids = ofJob > 0 and redis.call("ZRANGEBYLEX", undelivered, from, to, "LIMIT", 0, ofJob) or {}
local ofOwner = redis.call("ZCARD", undelivered) - #ids - args.max_of_owner
if ofOwner > 0 then
  for _, id in ipairs(redis.call("ZRANGE", undelivered, 0, ofOwner - 1)) do table.insert(ids, id) end
end
for _, id in ipairs(ids) do redis.call("ZREM", undelivered, id) end
return ids
