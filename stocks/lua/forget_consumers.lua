-- Remove consumers of a group that hold no entries; what one holds would be lost with it.
--
-- KEYS[1]  the stream
-- ARGV[1]  the group
-- ARGV[2]  milliseconds for which they must have been idle
-- ARGV[3]  the name of the only one to remove, or empty: all

-- An emptied Redis has neither stream nor group.
local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if consumers.err then
  return 0
end
local removed = 0
for _, pairs_of in ipairs(consumers) do
  local consumer = {}
  for at = 1, #pairs_of, 2 do
    consumer[pairs_of[at]] = pairs_of[at + 1]
  end
  if consumer.pending == 0 and consumer.idle >= tonumber(ARGV[2])
      and (ARGV[3] == '' or ARGV[3] == consumer.name) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
    removed = removed + 1
  end
end
return removed
