-- Adds a change of status to the outbox, with the whole record, if the job's webhook subscribes to it.
local function addToOutbox(outbox, job, status)
  local webhook = redis.call("HGET", job, "webhook")
  if not webhook then return end
  local event = "job." .. status
  for _, subscribed in ipairs(cjson.decode(webhook).events) do
    if subscribed == event then
      local now = redis.call("TIME")
      local at = now[1] * 1000 + math.floor(now[2] / 1000)
      local fields = redis.call("HGETALL", job)
      redis.call("RPUSH", outbox, cjson.encode({event = event, at = at, fields = fields}))
    end
  end
end
