-- Ends the use of pictures by `user`. Those that nothing uses any more are forgotten, and their blobs are to be deleted.
-- @include "includes/release-picture.lua"
local args = cjson.decode(ARGV[1])
for _, key in ipairs(args.pictures) do releasePicture(args, key, args.user) end
return "released"
