-- Add events to logs, for a publisher who knows where these stand. Stands behind lua/log.lua, and runs within
-- the transaction that moves the logs on.
--
-- KEYS[l]    stream of log l
-- ARGV[1]    milliseconds that a log keeps an event, and ARGV[2] for how many more its key may outlive it
-- ARGV[3]    msgpack, columns: how many events each log keeps; whether its life is to be renewed; by event, the
--            number of its log and its sequence
-- ARGV[e+3]  event e

local GIVEN = 3
local life, spare = tonumber(ARGV[1]), tonumber(ARGV[2])
local lengths, renewed, numbers, sequences = unpack(cmsgpack.unpack(ARGV[GIVEN]))

redis.set_repl(redis.REPL_NONE)
for event = 1, #numbers do
  local number = numbers[event]
  local begun = add_to_log(KEYS[number], sequences[event], ARGV[GIVEN + event], life, lengths[number])
  renewed[number] = renewed[number] or begun
end
for number = 1, #KEYS do
  if renewed[number] then
    redis.call('PEXPIRE', KEYS[number], life + spare)
  end
end
