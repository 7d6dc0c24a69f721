-- A short request in one step: is its session alive, may its account ask, and what is the answer.
--
-- KEYS[1]   the entry of the session
-- KEYS[2]   a hash of answers
-- KEYS[…]   the hash of each policy of the account's tier
-- ARGV[1]   what the entry is known to hold
-- ARGV[2]   the field of the answer
-- ARGV[…]   see `take`
--
-- Returns {what the entry holds} where that is something else, and then counts nothing; else {1, the answer,
-- what `take` returns…}.

local entry = redis.call('GET', KEYS[1])
if entry ~= ARGV[1] then
  return {entry}
end
local counted = take(KEYS, 3, ARGV, 3)
return {1, redis.call('HGET', KEYS[2], ARGV[2]), unpack(counted)}
