-- How many queued jobs do not fit a worker, and the largest size among them.
-- @include "includes/fits.lua"
local queued = KEYS[1]
local args = cjson.decode(ARGV[1])

local count, largest = 0, 0
for _, id in ipairs(redis.call("ZRANGE", queued, 0, -1)) do
  local job = args.job_prefix .. id
  if not fits(job, args.largest_size) then
    count = count + 1
    largest = math.max(largest, sizeOf(job))
  end
end
return {count, largest}
