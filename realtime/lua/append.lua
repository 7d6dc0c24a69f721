-- Add events to logs and publish them together, for a publisher who knows where the logs stand. Stands behind
-- lua/log.lua, and runs within the transaction that moves the logs on.
--
-- KEYS[l]  stream of log l
-- ARGV[1]  milliseconds that a log keeps an event, and ARGV[2] for how many more its key may outlive it
-- ARGV[3]  msgpack, columns: how many events each log keeps; whether its life is to be renewed; by event, the
--          number of its log, its sequence and its length
-- ARGV[4]  channel of the bundle
-- ARGV[5]  the bundle, see protocol/bundles.py: it ends with the events

local life, spare, bundle = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[5]
local kept, renewed, numbers, sequences, lengths = unpack(cmsgpack.unpack(ARGV[3]))

redis.call('PUBLISH', ARGV[4], bundle)
redis.set_repl(redis.REPL_NONE)
local last = #bundle
for event = #numbers, 1, -1 do
  last = last - lengths[event]
end
for event = 1, #numbers do
  local number, first = numbers[event], last + 1
  last = last + lengths[event]
  local payload = string.sub(bundle, first, last)
  local begun = add_to_log(KEYS[number], sequences[event], payload, life, kept[number])
  renewed[number] = renewed[number] or begun
end
for number = 1, #KEYS do
  if renewed[number] then
    redis.call('PEXPIRE', KEYS[number], life + spare)
  end
end
