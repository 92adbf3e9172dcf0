-- Removes a job whose record cannot be read, from all sets that it may be in.
local job, all, expiring, queuedSizes, unreadable = unpack(KEYS)
local args = cjson.decode(ARGV[1])

local sets = {all, expiring, queuedSizes}
local isOwned, owner = pcall(cjson.decode, redis.call("HGET", job, "owner") or "")
local owned = isOwned and type(owner) == "string" and args.owner_prefix .. owner .. ":"
if owned then
  table.insert(sets, owned .. "all")
  table.insert(sets, owned .. "order")
end
for _, status in ipairs(args.statuses) do
  table.insert(sets, args.status_prefix .. status)
  if owned then table.insert(sets, owned .. status) end
end
for _, set in ipairs(sets) do redis.call("ZREM", set, args.id) end
redis.call("SREM", unreadable, args.id)
return redis.call("DEL", job)
