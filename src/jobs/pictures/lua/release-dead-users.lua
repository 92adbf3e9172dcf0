-- Ends the use of a picture by jobs that do not exist any more, and by requests that are older than `before`: their process
-- died. Returns whether the picture is known.
-- @include "includes/release-picture.lua"
local args = cjson.decode(ARGV[1])
if redis.call("EXISTS", args.picture_prefix .. args.picture) == 0 then return 0 end
for _, user in ipairs(redis.call("SMEMBERS", args.users_prefix .. args.picture)) do
  local isRequest = string.sub(user, 1, #args.request_prefix) == args.request_prefix
  local isDead
  if isRequest then isDead = user < args.before
  else isDead = redis.call("EXISTS", args.job_prefix .. user) == 0 end
  if isDead then releasePicture(args, args.picture, user) end
end
return 1
