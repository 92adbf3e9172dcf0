-- Takes a job out of its owner's order. The owner's jobs behind it move up; it keeps the last place until BullMQ removes it.
-- @include "includes/shift-scores.lua"
local places, ownerOrder = unpack(KEYS)
local id = cjson.decode(ARGV[1]).id

local rank = redis.call("ZRANK", ownerOrder, id)
if not rank then return 0 end
redis.call("ZREM", ownerOrder, id)
local score = redis.call("ZSCORE", places, id)
if not score then return 0 end
local behind = redis.call("ZRANGE", ownerOrder, rank, -1)
redis.call("ZADD", places, shiftScores(places, behind, score), id)
return 1
