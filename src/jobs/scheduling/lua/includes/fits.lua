-- Whether a job fits a worker: the same rule as `fits` in worker-fit.ts.
local function sizeOf(job)
  return tonumber(string.match(redis.call("HGET", job, "options") or "", '"size":(%d+)') or 0)
end
local function fits(job, largestSize) return sizeOf(job) <= largestSize end
