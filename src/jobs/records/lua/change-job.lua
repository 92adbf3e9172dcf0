-- Changes a job if it is as expected: compare and set. No other script changes a job's status.
-- Returns "missing", "rejected", "changed", or the limit that keeps the job from being queued.
-- @include "includes/add-to-outbox.lua"
-- @include "includes/queued-jobs.lua"
-- @include "includes/job-pictures.lua"
-- @include "includes/write-fields.lua"
local job, expiring, queuedCost, queuedSizes, outbox = unpack(KEYS)
local args = cjson.decode(ARGV[1])

local found = redis.call("HMGET", job, "status", "attempt_id", "revision", "owner")
if not found[1] then return "missing" end
local status = cjson.decode(found[1])
local isAllowed = false
for _, from in ipairs(args.from) do isAllowed = isAllowed or from == status end
if not isAllowed then return "rejected" end
if args.attempt_id and (not found[2] or cjson.decode(found[2]) ~= args.attempt_id) then return "rejected" end
if args.revision and tonumber(found[3]) ~= args.revision then return "rejected" end

local owned = args.owner_prefix .. cjson.decode(found[4]) .. ":"
if args.max_queued and redis.call("ZCARD", args.status_prefix .. "queued") >= args.max_queued then return "queue_full" end
if args.max_owner_queued and redis.call("ZCARD", owned .. "queued") >= args.max_owner_queued then
  return "owner_queue_full"
end

if args.release_pictures then releasePictures(args, job, args.id) end
writeFields(job, 2)
local revision = redis.call("HINCRBY", job, "revision", 1)
local isMoved = args.to and args.to ~= status
if isMoved then
  if status == "queued" then removeQueued(job, args.id, queuedCost, queuedSizes) end
  if args.to == "queued" then addQueued(job, args.id, queuedCost, queuedSizes) end
  redis.call("ZREM", args.status_prefix .. status, args.id)
  redis.call("ZREM", owned .. status, args.id)
  redis.call("ZADD", args.status_prefix .. args.to, 0, args.id)
  redis.call("ZADD", owned .. args.to, 0, args.id)
  if args.to == "running" then redis.call("ZREM", owned .. "order", args.id) end
  redis.call("HSET", job, "status", cjson.encode(args.to))
  status = args.to
end

if args.never_expires then
  redis.call("ZREM", expiring, args.id)
elseif args.default_expiry then
  -- The end of a job sets its expiry, unless its owner did.
  if redis.call("HSETNX", job, "expires_at", args.default_expiry.json) == 1 then
    redis.call("ZADD", expiring, args.default_expiry.ms, args.id)
  end
end

if isMoved then addToOutbox(outbox, job, status) end
local optionsVersion = tonumber(redis.call("HGET", job, "options_version"))
local change = {
  id = args.id, revision = revision, status = status, options_version = optionsVersion,
  finish_requested = redis.call("HGET", job, "finish_requested") == "true"
}
redis.call("PUBLISH", args.channel, cjson.encode(change))
return "changed"
