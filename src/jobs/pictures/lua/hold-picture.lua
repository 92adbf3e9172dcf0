-- Finds an owner's picture by its digest and lets `holder` use it. Returns its key and its facts, or nothing.
local ownerPictures = KEYS[1]
local args = cjson.decode(ARGV[1])

local key = redis.call("HGET", ownerPictures, args.digest)
if not key then return {} end
redis.call("SADD", args.users_prefix .. key, args.holder)
return {key, redis.call("HGET", args.picture_prefix .. key, "facts")}
