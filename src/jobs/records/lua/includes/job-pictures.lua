-- @include "../../../pictures/lua/includes/release-picture.lua"
-- Ends the use of the pictures that a job shares with others. Its other blobs are its own.
local function releasePictures(args, job, id)
  local function release(key)
    if string.sub(key, 1, #args.pictures_folder) == args.pictures_folder then releasePicture(args, key, id) end
  end
  for _, field in ipairs({"content", "styles", "style_masks", "keep_mask", "init_picture"}) do
    local value = cjson.decode(redis.call("HGET", job, field) or "[]")
    if type(value) == "string" then release(value)
    else for _, key in ipairs(value) do release(key) end end
  end
end
