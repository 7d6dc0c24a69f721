-- Logs: streams of the last events of a room. Stands before what uses it.
--
-- A log is of use within its epoch only, which ends when the server does. So the server writes into no file and
-- tells no replica what is added to logs: whoever adds has said redis.set_repl(redis.REPL_NONE) before.

local clock = redis.call('TIME')
local milliseconds = clock[1] * 1000 + math.floor(clock[2] / 1000)
local now = string.format('%.0f', milliseconds)
-- Cutting a log costs as much as adding to it, so it is done after so many events.
local CUT_EVERY = 16

-- Add an event. `life` is how many milliseconds it is kept, `length` how many events are; true where the log
-- has begun again. An event's place is its number, which also stands behind the dash.
local function add_to_log(log, sequence, payload, life, length)
  local place_of, begun = '-' .. string.format('%d', sequence), false
  local added = redis.pcall('XADD', log, now .. place_of, 'e', payload)
  if type(added) == 'table' and added.err then
    -- The clock was set back: the log goes on from where it was, or begins again with a new epoch.
    local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)
    local before = string.match(last[1] and last[1][1] or '0-0', '^(%d+)')
    added = redis.pcall('XADD', log, before .. place_of, 'e', payload)
    if type(added) == 'table' and added.err then
      redis.call('DEL', log)
      redis.call('XADD', log, now .. place_of, 'e', payload)
      begun = true
    end
  end
  if sequence % CUT_EVERY == 0 then
    redis.call('XTRIM', log, 'MINID', '~', string.format('%.0f', milliseconds - life))
    redis.call('XTRIM', log, 'MAXLEN', '~', length)
  end
  return begun
end
