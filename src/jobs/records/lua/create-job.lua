-- Creates a job that uses its pictures, unless it exists, a limit is reached or a picture is gone.
-- @include "includes/add-to-outbox.lua"
-- @include "includes/queued-jobs.lua"
-- @include "includes/write-fields.lua"
local job, all, queued, ownerAll, ownerQueued, expiring, queuedCost, queuedSizes, outbox = unpack(KEYS)
local args = cjson.decode(ARGV[1])

if redis.call("EXISTS", job) == 1 then return "exists" end
if redis.call("ZCARD", queued) >= args.max_queued then return "queue_full" end
if redis.call("ZCARD", ownerQueued) >= args.max_owner_queued then return "owner_queue_full" end
if redis.call("ZCARD", ownerAll) >= args.max_owner_jobs then return "owner_full" end

for _, key in ipairs(args.pictures) do
  if redis.call("EXISTS", args.picture_prefix .. key) == 0 then return "picture_missing" end
end
for _, key in ipairs(args.pictures) do redis.call("SADD", args.users_prefix .. key, args.id) end
writeFields(job, 2)
for _, set in ipairs({all, queued, ownerAll, ownerQueued}) do redis.call("ZADD", set, 0, args.id) end
if args.expires_at then redis.call("ZADD", expiring, args.expires_at, args.id) end
addQueued(job, args.id, queuedCost, queuedSizes)
addToOutbox(outbox, job, "queued")
return "created"
