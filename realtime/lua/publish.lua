-- Publish a batch of events of `latest` rooms: next sequence, snapshot and message in one step.
--
-- KEYS[1]    hash of positions: epoch, run, and one sequence per room
-- KEYS[i+1]  hash of the newest event per key, of the room of event i
-- ARGV[1]    epoch to begin when none is valid
-- ARGV[2]    what ends every message: its timestamp and the closing brace
-- ARGV[3]    seconds that a snapshot outlives its last event
-- ARGV[4…]   per event: room, channel, key, the message's JSON up to where the sequence goes

local positions = KEYS[1]

-- A restarted server may have forgotten its last second and would count the same numbers again, so an epoch
-- is valid for one run of the server only.
local run = ''
local info = redis.pcall('INFO', 'server')
if type(info) == 'string' then
  run = string.match(info, 'run_id:(%x+)') or ''
end

local known = redis.call('HMGET', positions, 'epoch', 'run')
local epoch = known[1]
if not epoch or known[2] ~= run then
  epoch = ARGV[1]
  redis.call('HSET', positions, 'epoch', epoch, 'run', run)
end

for event = 1, #KEYS - 1 do
  local at = event * 4
  local room, channel, key, body = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local sequence = string.format('%.0f', redis.call('HINCRBY', positions, room, 1))
  local message = sequence .. ' ' .. epoch .. ' ' .. key .. '\0'
    .. body .. ',"sequence":' .. sequence .. ARGV[2]
  redis.call('HSET', KEYS[event + 1], key, message)
  redis.call('EXPIRE', KEYS[event + 1], ARGV[3])
  redis.call('PUBLISH', channel, message)
end

return epoch
