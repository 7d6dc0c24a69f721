-- A trade in one step: is its session alive, and may its account ask, and trade?
--
-- KEYS[1]     the entry of the session
-- KEYS[2]     the hash of the limit of transactions; none where nothing is counted
-- KEYS[…]     the hash of each policy of the account's tier
-- ARGV[1]     what the entry is known to hold
-- ARGV[2…5]   of transactions, see `take`
-- ARGV[…]     see `take`
--
-- Returns {what the entry holds} where that is something else, and then counts nothing. An entry that has run out
-- says nothing of the session, which is asked of the database then. Else {1, {1 where there is an entry or 0, what
-- `take` returns of transactions…}, what `take` returns…}; a request that is not let through is no transaction.

local entry = redis.call('GET', KEYS[1])
if entry and entry ~= ARGV[1] then
  return {entry}
end
local answer = {entry and 1 or 0}
if #KEYS == 1 then
  return {1, answer, 1, 0}
end
local counted = take(KEYS, 3, ARGV, 6)
if counted[1] == 1 then
  for _, number in ipairs(take({KEYS[2]}, 1, {ARGV[2], ARGV[3], ARGV[4], ARGV[5]}, 1)) do
    answer[#answer + 1] = number
  end
end
return {1, answer, unpack(counted)}
