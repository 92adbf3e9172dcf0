-- Removes a job, which then uses no pictures any more, if its status is one of `from`; with the last job of a batch, the batch.
-- Returns the fields it had, name and JSON text in turn, or none.
-- @include "includes/job-pictures.lua"
local job, all, expiring = unpack(KEYS)
local args = cjson.decode(ARGV[1])

local found = redis.call("HMGET", job, "status", "owner", "batch")
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

local function hasJobs(batch)
  for _, one in ipairs(cjson.decode(batch).jobs) do
    if redis.call("EXISTS", args.job_prefix .. one.id) == 1 then return true end
  end
  return false
end
local batchKey = found[3] and args.batch_prefix .. cjson.decode(found[3])
local batch = batchKey and redis.call("GET", batchKey)
if batch and not hasJobs(batch) then redis.call("DEL", batchKey) end
return fields
