-- Put quotes into the cache; none ever replaces a newer one.
--
-- KEYS[1]   the hash of quotes, by code
-- ARGV      half of them codes, at most some hundreds, and behind these the entry of each. An entry begins with
--           three numbers: the time of the price, its number among those of that time, and when it was found to
--           be the newest.
--
-- Returns how many were taken.

-- Whole numbers of any size, as texts: a Lua number would round the last digits.
local function compare(one, other)
  if #one ~= #other then
    return #one < #other and -1 or 1
  end
  return one == other and 0 or (one < other and -1 or 1)
end

local function is_newer(entry, known)
  local as_of, seq, checked = string.match(entry, '^(%d+) (%d+) (%d+) ')
  local known_as_of, known_seq, known_checked = string.match(known, '^(%d+) (%d+) (%d+) ')
  if not known_as_of then
    return true
  end
  local order = compare(as_of, known_as_of)
  if order == 0 then order = compare(seq, known_seq) end
  if order == 0 then order = compare(checked, known_checked) end
  return order > 0
end

local count = #ARGV / 2
local stored = redis.call('HMGET', KEYS[1], unpack(ARGV, 1, count))
local newest, taken = {}, {}
for at = 1, count do
  local code, entry = ARGV[at], ARGV[count + at]
  local known = newest[code] or stored[at]
  if not known or is_newer(entry, known) then
    newest[code] = entry
    taken[#taken + 1] = code
    taken[#taken + 1] = entry
  end
end
if #taken > 0 then
  redis.call('HSET', KEYS[1], unpack(taken))
end
return #taken / 2
