-- The last events of a log, newest first, as far back as they are kept.
--
-- KEYS[1]  hash of where the newest event of each log stands: name of a bundle, first and last byte
-- ARGV[1]  what begins the keys of bundles
-- ARGV[2]  name of the room
-- ARGV[3]  how many
--
-- An event says where the one before it stands, see protocol/envelope.py.

local place = redis.call('HGET', KEYS[1], ARGV[2])
local events = {}
while #events < tonumber(ARGV[3]) do
  local bundle, first, last = string.match(place or '', '^(%S+) (%d+) (%d+)$')
  local event = bundle and redis.call('GETRANGE', ARGV[1] .. bundle, first, last) or ''
  if event == '' then
    break
  end
  events[#events + 1] = event
  place = string.match(event, '^%d+ %S+ ([^%z]*)%z')
end
return events
