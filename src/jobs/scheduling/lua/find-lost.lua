-- Of the jobs with ranks `from` to `to` in a status set: those that BullMQ does not know, or that have no place yet.
local args = cjson.decode(ARGV[1])
local lost = {}
for _, id in ipairs(redis.call("ZRANGE", KEYS[1], args.from, args.to)) do
  if redis.call("HGET", args.bullmq_prefix .. id, "priority") ~= "0" then table.insert(lost, id) end
end
return lost
