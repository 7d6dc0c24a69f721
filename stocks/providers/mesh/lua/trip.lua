-- Count a failure against a breaker, and open it at the last one that is borne.
--
-- KEYS[1]   the breaker: failures in a row, pause in milliseconds, until when it is open, why
-- ARGV[1]   the time in milliseconds
-- ARGV[2]   failures in a row that open it
-- ARGV[3]   milliseconds of the first pause
-- ARGV[4]   milliseconds of the longest pause; each pause is twice the one before
-- ARGV[5]   jitter: what the pause is multiplied by
-- ARGV[6]   why
-- ARGV[7]   seconds after which all is forgotten

local now, bound = tonumber(ARGV[1]), tonumber(ARGV[2])
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
local pause = tonumber(redis.call('HGET', KEYS[1], 'pause') or '0')
if failures >= bound then
  pause = pause > 0 and math.min(pause * 2, tonumber(ARGV[4])) or tonumber(ARGV[3])
  local till = math.floor(now + pause * tonumber(ARGV[5]))
  redis.call('HSET', KEYS[1], 'pause', pause, 'until', till)
end
redis.call('HSET', KEYS[1], 'why', ARGV[6])
redis.call('EXPIRE', KEYS[1], ARGV[7])
return failures
