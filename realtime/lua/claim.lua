-- Let connections count as one of their user's, each instead of the one it replaces, where there is room.
--
-- KEYS[i]  sorted set of the sessions of connection i's user, by when they lapse
-- ARGV[1]  milliseconds until they lapse
-- ARGV[2]  channel on which the replaced ones are told
-- ARGV[…]  for each connection: its session, the most its user may have, the session it replaces or '', the user
--
-- Returns 1 or 0 for each.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lapse = string.format('%.0f', now + ARGV[1])
local granted = {}
for at, key in ipairs(KEYS) do
  local session, most, replaces, user = unpack(ARGV, 4 * at - 1, 4 * at + 2)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  local replaced = replaces ~= '' and redis.call('ZSCORE', key, replaces)
  local others = redis.call('ZCARD', key) - (replaced and 1 or 0)
  if others < tonumber(most) then
    if replaced then
      redis.call('ZREM', key, replaces)
      redis.call('PUBLISH', ARGV[2], user .. ' ' .. replaces)
    end
    redis.call('ZADD', key, lapse, session)
    redis.call('PEXPIRE', key, ARGV[1])
    granted[at] = 1
  else
    granted[at] = 0
  end
end
return granted
