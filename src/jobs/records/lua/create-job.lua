-- Creates a job, unless it exists or a limit is reached.
-- @include "includes/add-to-outbox.lua"
-- @include "includes/queued-jobs.lua"
-- @include "includes/write-fields.lua"
local job, all, queued, ownerAll, ownerQueued, expiring, queuedCost, queuedSizes, outbox = unpack(KEYS)
local args = cjson.decode(ARGV[1])

if redis.call("EXISTS", job) == 1 then return "exists" end
if redis.call("ZCARD", queued) >= args.max_queued then return "queue_full" end
if redis.call("ZCARD", ownerQueued) >= args.max_owner_queued then return "owner_queue_full" end
if redis.call("ZCARD", ownerAll) >= args.max_owner_jobs then return "owner_full" end

writeFields(job, 2)
for _, set in ipairs({all, queued, ownerAll, ownerQueued}) do redis.call("ZADD", set, 0, args.id) end
if args.expires_at then redis.call("ZADD", expiring, args.expires_at, args.id) end
addQueued(job, args.id, queuedCost, queuedSizes)
addToOutbox(outbox, job, "queued")
return "created"
