-- A short request that Redis has no answer to: is its session alive, and may its account ask?
--
-- KEYS[1]   the entry of the session
-- KEYS[…]   the hash of each policy of the account's tier
-- ARGV[1]   what the entry is known to hold
-- ARGV[…]   see `take`
--
-- Returns {what the entry holds} where that is something else, and then counts nothing; else {1, 1, what `take`
-- returns…}.

local entry = redis.call('GET', KEYS[1])
if entry ~= ARGV[1] then
  return {entry}
end
return {1, 1, unpack(take(KEYS, 2, ARGV, 2))}
