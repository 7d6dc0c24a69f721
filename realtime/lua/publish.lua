-- Publish a batch of events: next sequences, what rooms hold, and the messages, in one step. Stands behind
-- lua/start.lua.
--
-- KEYS[1]    hash of positions: epoch, run, and one sequence per room
-- KEYS[2]    hash of the version that each room has reached
-- KEYS[3]    hash of the newest event of each room that is one value
-- KEYS[k+3]  what some rooms keep besides: a room of many, a hash of its keys; a log, its stream
-- ARGV[1]    see lua/start.lua
-- ARGV[2]    what ends every message: its timestamp and the closing brace
-- ARGV[3]    seconds that the keys of a room of many outlive its last event
-- ARGV[4]    what begins the name of every channel
-- ARGV[5]    milliseconds that a log keeps an event, and ARGV[6] for how many more its key may outlive it
-- ARGV[7]    msgpack, columns in place of rows, for each table costs:
--              rooms: names, names as JSON, which k keeps what is kept besides or 0, how many events it keeps
--              where it is a log or else 0, whether the life of what it keeps is to be renewed;
--              events: types as JSON, versions or '', fields as JSON with a comma before, how many rooms;
--              the rooms of all events one after the other: their numbers, the keys there;
--              by event, where it is not the first room's name: what its version is kept under
--
-- An event with a version is left out where its first room has reached that version or a later one: two
-- publishers, or one that does its work again, never take a room back. Events of one room that are numbered
-- apart keep their versions under the names of their series.
--
-- Every call of a command costs more than the work it does here, and a long string costs more than a short
-- one. So what can be asked for all rooms at once is, and an event is written out once: a room of many gets
-- all that is new for it in one message whose parts the web process puts together, and keeps of each key only
-- where it is written out.

local versions, newest = KEYS[2], KEYS[3]
local ending, life, prefix = ARGV[2], ARGV[3], ARGV[4]
local log_life, log_spare = tonumber(ARGV[5]), tonumber(ARGV[6])
local names, written, kept_at, logs, renewed, types, versions_of, fields_of, counts, numbers, keys, series =
  unpack(cmsgpack.unpack(ARGV[7]))
local call, format = redis.call, string.format
-- Cutting a log costs as much as adding to it, so it is done after so many events.
local CUT_EVERY = 16
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local oldest = format('%.0f', now - log_life)

local function set(key, pairs_of)
  for first = 1, #pairs_of, MOST do
    call('HSET', key, unpack(pairs_of, first, math.min(first + MOST - 1, #pairs_of)))
  end
end

-- The versions that the first rooms of events have reached, by the number of the room.
local asked, asked_names, reached, changed = {}, {}, {}, {}
local place = 1
for event = 1, #types do
  if versions_of[event] ~= '' then
    local kept = series[event]
    asked[#asked + 1] = kept or numbers[place]
    asked_names[#asked] = kept or names[numbers[place]]
  end
  place = place + counts[event]
end
for at, version in ipairs(get(versions, asked_names)) do
  reached[asked[at]] = version
end

local sequences, fresh = get(positions, names), {}
for number = 1, #names do
  fresh[number] = not sequences[number]
  sequences[number] = tonumber(sequences[number] or 0)
end
-- Most rooms have nobody in them at a time: what nobody hears is not put together. Whoever listens to a
-- pattern hears everything.
local channels, heard = {}, {}
local patterns = call('PUBSUB', 'NUMPAT') > 0
for number = 1, #names do
  channels[number] = prefix .. names[number]
end
for first = 1, #channels, MOST do
  local last = math.min(first + MOST - 1, #channels)
  local listeners = call('PUBSUB', 'NUMSUB', unpack(channels, first, last))
  for number = first, last do
    heard[number] = patterns or listeners[2 * (number - first + 1)] > 0
  end
end
local told = {}    -- by room: whether it was told anything
local held = {}    -- rooms that are one value, and their newest event
local joined = {}  -- by room of many: the parts of the message that is due
local due = {}     -- these rooms, in order
local places = {}  -- by room of many: its keys, and where each is written out

local function flush(number)
  call('PUBLISH', channels[number], table.concat(joined[number], '\0'))
  joined[number] = nil
end

local function append(number, sequence, payload)
  local log = KEYS[kept_at[number] + 3]
  local function add(milliseconds)
    -- An event's place is its number, which also stands behind the dash.
    local id = format('%.0f-%.0f', milliseconds, sequence)
    return redis.pcall('XADD', log, 'MINID', '~', oldest, id, 'e', payload)
  end
  local added = add(now)
  if type(added) == 'table' and added.err then
    -- The clock was set back: the log goes on from where it was, or begins again with a new epoch.
    local last = call('XREVRANGE', log, '+', '-', 'COUNT', 1)
    added = add(tonumber(string.match(last[1] and last[1][1] or '0-0', '^(%d+)')))
    if type(added) == 'table' and added.err then
      call('DEL', log)
      add(now)
      fresh[number] = true
    end
  end
  if sequence % CUT_EVERY == 0 then
    call('XTRIM', log, 'MAXLEN', '~', logs[number])
  end
  if renewed[number] or fresh[number] then
    call('PEXPIRE', log, log_life + log_spare)
    fresh[number] = false
  end
end

place = 1
for event = 1, #types do
  local version, first = versions_of[event], numbers[place]
  local last = place + counts[event] - 1
  local news = version == ''
  if not news then
    local kept = series[event]
    if version > (reached[kept or first] or '') then
      news = true
      reached[kept or first] = version
      changed[#changed + 1] = kept or names[first]
      changed[#changed + 1] = version
    end
  end
  if news then
    local kind, fields, whole = types[event], fields_of[event], nil
    for at = place, last do
      local number, key = numbers[at], keys[at]
      local sequence = sequences[number] + 1
      sequences[number] = sequence
      told[number] = true
      local text = format('%d', sequence)
      local payload
      if key == '' or not whole then
        payload = text .. ' ' .. epoch .. ' ' .. key .. '\0{"type":' .. kind .. ',"room":' .. written[number]
          .. fields .. ',"sequence":' .. text .. ending
      end
      if logs[number] > 0 then
        if heard[number] then
          call('PUBLISH', channels[number], payload)
        end
        append(number, sequence, payload)
      elseif key == '' then
        if joined[number] then
          flush(number)
        end
        if heard[number] then
          call('PUBLISH', channels[number], payload)
        end
        held[#held + 1] = names[number]
        held[#held + 1] = payload
        whole = ' ' .. text .. ' ' .. names[number]
      else
        if heard[number] then
          local parts = joined[number]
          if not parts then
            parts = { '* ' .. epoch, ending }
            joined[number] = parts
            due[#due + 1] = number
          end
          local count = #parts
          parts[count + 1], parts[count + 2], parts[count + 3], parts[count + 4] = text, key, kind, fields
        end
        local kept = places[number]
        if not kept then
          kept = {}
          places[number] = kept
        end
        kept[#kept + 1] = key
        kept[#kept + 1] = whole and text .. whole or payload
      end
    end
  end
  place = last + 1
end

for at = 1, #due do
  if joined[due[at]] then
    flush(due[at])
  end
end
local counted = {}
for number in pairs(told) do
  counted[#counted + 1] = names[number]
  counted[#counted + 1] = format('%d', sequences[number])
  local kept = places[number]
  if kept then
    local key = KEYS[kept_at[number] + 3]
    set(key, kept)
    if renewed[number] or fresh[number] then
      call('EXPIRE', key, life)
    end
  end
end
set(newest, held)
set(positions, counted)
set(versions, changed)

return epoch
