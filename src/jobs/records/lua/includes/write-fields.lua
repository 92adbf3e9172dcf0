-- Writes the fields in ARGV from index `first` on: name and JSON text in turn. An empty text removes the field.
local function writeFields(job, first)
  for index = first, #ARGV, 2 do
    if ARGV[index + 1] == "" then redis.call("HDEL", job, ARGV[index])
    else redis.call("HSET", job, ARGV[index], ARGV[index + 1]) end
  end
end
