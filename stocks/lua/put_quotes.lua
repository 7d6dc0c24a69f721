-- Put quotes into the cache; none ever replaces a newer one.
--
-- KEYS[1]   the hash of quotes, by code
-- ARGV      in pairs: code, entry. An entry begins with three numbers: the time of the price, its number among
--           those of that time, and when it was found to be the newest.
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

local taken = 0
for at = 1, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[1], ARGV[at])
  if not known or is_newer(ARGV[at + 1], known) then
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
    taken = taken + 1
  end
end
return taken
