-- Connections are still open.
--
-- KEYS[i]    sorted set of the sessions of connection i's user, by when they lapse
-- ARGV[1]    milliseconds until they lapse
-- ARGV[i+1]  the session of connection i

local time = redis.call('TIME')
local lapse = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1])
for at, key in ipairs(KEYS) do
  redis.call('ZADD', key, lapse, ARGV[at + 1])
  redis.call('PEXPIRE', key, ARGV[1])
end
