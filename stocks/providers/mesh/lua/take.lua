-- Count calls against every rate of one key, all or none: an exact log of the calls in each rate's window.
--
-- KEYS[i]   sorted set of the calls of rate i, by their time in milliseconds
-- ARGV[1]   the time in milliseconds; empty: this server's own clock
-- ARGV[2]   a name that no other call has
-- ARGV[3]   how many calls
-- ARGV[…]   per rate: calls allowed, window in milliseconds
--
-- Returns {1, 0} where they were counted, else {0, milliseconds until they would be}.

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local calls = tonumber(ARGV[3])

local wait = 0
for rate = 1, #KEYS do
  local allowed, window = tonumber(ARGV[rate * 2 + 2]), tonumber(ARGV[rate * 2 + 3])
  redis.call('ZREMRANGEBYSCORE', KEYS[rate], '-inf', now - window)
  local excess = redis.call('ZCARD', KEYS[rate]) + calls - allowed
  if excess > 0 then
    -- The call whose leaving makes room; more calls than the rate ever allows are never let through.
    local leaving = redis.call('ZRANGE', KEYS[rate], excess - 1, excess - 1, 'WITHSCORES')
    local free = leaving[2] and (tonumber(leaving[2]) + window - now + 1) or window
    wait = math.max(wait, free)
  end
end
if wait > 0 then
  return {0, math.ceil(wait)}
end

for rate = 1, #KEYS do
  local window = tonumber(ARGV[rate * 2 + 3])
  for call = 1, calls do
    redis.call('ZADD', KEYS[rate], now, ARGV[2] .. ':' .. call)
  end
  redis.call('PEXPIRE', KEYS[rate], window)
end
return {1, 0}
