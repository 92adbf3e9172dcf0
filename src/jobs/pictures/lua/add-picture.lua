-- Adds a picture that has been stored, used by `holder`. If the owner has one with this digest already, `holder` uses that one.
-- Returns the key of the picture to use.
local ownerPictures = KEYS[1]
local args = cjson.decode(ARGV[1])

local known = redis.call("HGET", ownerPictures, args.digest)
local key = known or args.key
redis.call("SADD", args.users_prefix .. key, args.holder)
if not known then
  redis.call("HSET", ownerPictures, args.digest, key)
  redis.call("HSET", args.picture_prefix .. key, "owner_pictures", ownerPictures, "digest", args.digest, "facts", args.facts)
end
return key
