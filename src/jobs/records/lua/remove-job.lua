-- Removes a job, which then uses no pictures any more, if its status is one of `from`. Returns the fields it had, name and JSON text in turn, or none.
-- @include "includes/job-pictures.lua"
local job, all, expiring = unpack(KEYS)
local args = cjson.decode(ARGV[1])

local found = redis.call("HMGET", job, "status", "owner")
if not found[1] then return {} end
local status = cjson.decode(found[1])
local isAllowed = false
for _, from in ipairs(args.from) do isAllowed = isAllowed or from == status end
if not isAllowed then return {} end

local fields = redis.call("HGETALL", job)
local owned = args.owner_prefix .. cjson.decode(found[2]) .. ":"
releasePictures(args, job, args.id)
redis.call("DEL", job)
for _, set in ipairs({all, expiring, args.status_prefix .. status, owned .. "all", owned .. status}) do
  redis.call("ZREM", set, args.id)
end
return fields
