-- Ends the use of a picture. If nothing uses it any more, it is forgotten and its key is added to the unused ones, in the same
-- step: nobody can begin to use a picture whose blob is about to be deleted.
local function releasePicture(args, key, user)
  local users = args.users_prefix .. key
  if redis.call("SREM", users, user) == 0 or redis.call("SCARD", users) > 0 then return end
  local picture = args.picture_prefix .. key
  local found = redis.call("HMGET", picture, "owner_pictures", "digest")
  if found[1] then redis.call("HDEL", found[1], found[2]) end
  redis.call("DEL", picture)
  redis.call("SADD", args.unused_pictures, key)
end
