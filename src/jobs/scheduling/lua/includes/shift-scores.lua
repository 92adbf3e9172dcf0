-- Shifts jobs forward: the first of `ids` gets `score`, each further one the score of the job before it. Returns the score
-- that becomes free at the end. Ids that are not in the set are skipped.
local function shiftScores(set, ids, score)
  for _, id in ipairs(ids) do
    local own = redis.call("ZSCORE", set, id)
    if own then
      redis.call("ZADD", set, score, id)
      score = own
    end
  end
  return score
end
