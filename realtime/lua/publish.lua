-- Publish a batch of events of `latest` rooms: next sequences, snapshots and messages in one step.
--
-- KEYS[1]    hash of positions: epoch, run, and one sequence per room
-- KEYS[2]    hash of the version that each room has reached
-- KEYS[r+2]  hash of the newest event per key, of room r
-- ARGV[1]    epoch to begin when none is valid
-- ARGV[2]    what ends every message: its timestamp and the closing brace
-- ARGV[3]    seconds that a snapshot outlives its last event
-- ARGV[4]    what begins the name of every channel
-- ARGV[5]    msgpack, columns in place of rows, for each table costs:
--              rooms: names, names as JSON, whether the life of the snapshot is to be renewed;
--              events: types as JSON, versions or '', fields as JSON with a comma before, how many rooms;
--              the rooms of all events one after the other: their numbers, the keys there
--
-- An event with a version is left out where its first room has reached that version or a later one: two
-- publishers, or one that does its work again, never take a room back.
--
-- Every call of a command costs more than the work it does here, so what can be asked for all rooms at once is.

local positions, versions = KEYS[1], KEYS[2]
local ending, life, prefix = ARGV[2], ARGV[3], ARGV[4]
local names, written, renewed, types, versions_of, fields_of, counts, numbers, keys =
  unpack(cmsgpack.unpack(ARGV[5]))
-- Lua hands no more than some thousand values to a call.
local MOST = 2000

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

local function get(key, fields)
  local values = {}
  for first = 1, #fields, MOST do
    local part = redis.call('HMGET', key, unpack(fields, first, math.min(first + MOST - 1, #fields)))
    for at = 1, #part do
      values[first + at - 1] = part[at]
    end
  end
  return values
end

local function set(key, pairs_of)
  for first = 1, #pairs_of, MOST do
    redis.call('HSET', key, unpack(pairs_of, first, math.min(first + MOST - 1, #pairs_of)))
  end
end

-- The versions that the first rooms of events have reached, by the number of the room.
local asked, asked_names, reached, changed = {}, {}, {}, {}
local place = 1
for event = 1, #types do
  if versions_of[event] ~= '' then
    asked[#asked + 1] = numbers[place]
    asked_names[#asked] = names[numbers[place]]
  end
  place = place + counts[event]
end
for at, version in ipairs(get(versions, asked_names)) do
  reached[asked[at]] = version
end

-- Messages go out in the order of the events; what a room then holds is stored at once.
local sequences = get(positions, names)
local held, fresh = {}, {}
place = 1
for event = 1, #types do
  local version, first = versions_of[event], numbers[place]
  local last = place + counts[event] - 1
  local news = version == ''
  if not news and version > (reached[first] or '') then
    news = true
    reached[first] = version
    changed[#changed + 1] = names[first]
    changed[#changed + 1] = version
  end
  if news then
    local opening, rest = '{"type":' .. types[event] .. ',"room":', fields_of[event] .. ',"sequence":'
    for at = place, last do
      local number, key = numbers[at], keys[at]
      local fields = held[number]
      if not fields then
        fields = {}
        held[number] = fields
        fresh[number] = not sequences[number]
        sequences[number] = tonumber(sequences[number] or 0)
      end
      local sequence = sequences[number] + 1
      sequences[number] = sequence
      local text = string.format('%.0f', sequence)
      local message = text .. ' ' .. epoch .. ' ' .. key .. '\0' .. opening .. written[number] .. rest
        .. text .. ending
      redis.call('PUBLISH', prefix .. names[number], message)
      fields[#fields + 1] = key
      fields[#fields + 1] = message
    end
  end
  place = last + 1
end

local counted = {}
for number, fields in pairs(held) do
  local snapshot = KEYS[number + 2]
  counted[#counted + 1] = names[number]
  counted[#counted + 1] = string.format('%.0f', sequences[number])
  set(snapshot, fields)
  if renewed[number] or fresh[number] then
    redis.call('EXPIRE', snapshot, life)
  end
end
set(positions, counted)
set(versions, changed)

return epoch
