-- Publish a batch of events: next sequences, what rooms hold, and the messages, in one step. Stands behind
-- lua/start.lua.
--
-- KEYS[1]    hash of positions: epoch, run, and one sequence per room
-- KEYS[2]    hash of the version that each room has reached
-- KEYS[3]    hash of the newest event of each room that is one value
-- KEYS[4]    hash of where the newest event of each log stands, see lua/past.lua
-- KEYS[k+4]  what a room of many keeps besides, a hash of its keys
-- KEYS[…]    last, the guards of the kinds of rooms: whoever goes the short way (lane.py) sees that it was told
-- ARGV[1]    see lua/start.lua; no other call has the same
-- ARGV[2]    what ends every message: its timestamp and the closing brace
-- ARGV[3]    seconds that the keys of a room of many outlive its last event
-- ARGV[4]    what begins the name of every channel
-- ARGV[5]    what begins the key of events of logs
-- ARGV[6]    the epoch that the publisher knows, or ''
-- ARGV[7]    msgpack, columns in place of rows, for each table costs:
--              rooms: names, names as JSON, which k keeps what is kept besides or 0, for how many milliseconds
--              it keeps an event where it is a log or else 0, whether the life of what it keeps is to be renewed;
--              events: types as JSON, versions or '', how many rooms, the sequence that is foreseen or 0, fields
--              as JSON with a comma before or, of a foreseen one, which v has it written out;
--              the rooms of all events one after the other: their numbers, the keys there;
--              by event, where it is not the first room's name: what its version is kept under;
--              how many guards there are
-- ARGV[v+7]  an event as it is published, with the sequence that is foreseen and the epoch of ARGV[6]
--
-- Returns the epoch, and of each log that does not stand where was foreseen the number and the sequence.
--
-- An event with a version is left out where its first room has reached that version or a later one: two
-- publishers, or one that does its work again, never take a room back. Events of one room that are numbered
-- apart keep their versions under the names of their series.
--
-- Every call of a command costs more than the work it does here, and a long string costs more than a short
-- one. So what can be asked for all rooms at once is, and an event is written out once: a room of many gets
-- all that is new for it in one message whose parts the web process puts together, and keeps of each key only
-- where it is written out. Whatever string Lua gets hold of is copied and hashed. So an event of a log comes as
-- it is published, from a publisher who is right about where the room stands; for another it is written anew.

local versions, newest, logs_at = KEYS[2], KEYS[3], KEYS[4]
local MEMBERS, GIVEN = 4, 7
local ending, life, prefix, kept_prefix, epoch_known = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local names, written, kept_at, logs, renewed, types, versions_of, counts, foreseen, fields_of, numbers, keys,
  series, guards = unpack(cmsgpack.unpack(ARGV[GIVEN]))
local call, format = redis.call, string.format
local is_known = epoch == epoch_known

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

local sequences = get(positions, names)
for number = 1, #names do
  sequences[number] = tonumber(sequences[number] or 0)
  -- What was renewed in another epoch may be gone.
  renewed[number] = renewed[number] or not is_known
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
local logged = {}  -- of logs: number and event, one after the other
local expected = {} -- by number of a log: where it is foreseen to stand

local function flush(number)
  call('PUBLISH', channels[number], table.concat(joined[number], '\0'))
  joined[number] = nil
end

-- What was foreseen of an event, with its sequence as it is.
local function written_anew(payload, at, text)
  local wrong = format('%d', at)
  local fields = string.sub(payload, #wrong + #epoch_known + 3, -#wrong - #ending - 13)
  return text .. ' ' .. epoch .. ' ' .. fields .. ',"sequence":' .. text .. ending
end

place = 1
for event = 1, #types do
  local version, first = versions_of[event], numbers[place]
  local last = place + counts[event] - 1
  if foreseen[event] > 0 then
    expected[first] = foreseen[event]
  end
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
      if foreseen[event] > 0 then
        payload = ARGV[GIVEN + fields]
        if sequence ~= foreseen[event] or not is_known then
          payload = written_anew(payload, foreseen[event], text)
        end
      elseif key == '' or not whole then
        payload = text .. ' ' .. epoch .. ' ' .. key .. '\0{"type":' .. kind .. ',"room":' .. written[number]
          .. fields .. ',"sequence":' .. text .. ending
      end
      if logs[number] > 0 then
        if heard[number] then
          call('PUBLISH', channels[number], payload)
        end
        local count = #logged
        logged[count + 1], logged[count + 2] = number, payload
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
    local key = KEYS[kept_at[number] + MEMBERS]
    set(key, kept)
    if renewed[number] then
      call('EXPIRE', key, life)
    end
  end
end
set(newest, held)
set(positions, counted)
set(versions, changed)
for at = #KEYS - guards + 1, #KEYS do
  call('SET', KEYS[at], ARGV[1])
end

-- Events of logs that are kept equally long stand in one bundle, each with where the one before it stands.
-- Where this call is made again, after the moment of its first time, it has bundles of its own.
local moment = redis.call('TIME')
local stem = ARGV[1] .. moment[1] .. moment[2]
local log_names, asked_logs, bundles = {}, {}, {}
for at = 1, #logged, 2 do
  local number = logged[at]
  if not asked_logs[number] then
    asked_logs[number] = #log_names + 1
    log_names[#log_names + 1] = names[number]
  end
end
local stand = get(logs_at, log_names)
for at = 1, #logged, 2 do
  local number, payload = logged[at], logged[at + 1]
  local asked_as, kept_for = asked_logs[number], logs[number]
  local bundle = bundles[kept_for]
  if not bundle then
    bundle = { size = 0, name = stem .. '-' .. format('%d', kept_for) }
    bundles[kept_for] = bundle
  end
  local text = string.match(payload, '^%d+ %S+ ') .. (stand[asked_as] or '')
    .. string.sub(payload, string.find(payload, '%z'), -1)
  stand[asked_as] = bundle.name .. format(' %d %d', bundle.size, bundle.size + #text - 1)
  bundle[#bundle + 1] = text
  bundle.size = bundle.size + #text
end
local standing = {}
for at = 1, #log_names do
  standing[2 * at - 1], standing[2 * at] = log_names[at], stand[at]
end
set(logs_at, standing)
redis.set_repl(redis.REPL_NONE)
for kept_for, bundle in pairs(bundles) do
  call('SET', kept_prefix .. bundle.name, table.concat(bundle), 'PX', format('%d', kept_for))
end

local reply = { epoch }
for number = 1, #names do
  if logs[number] > 0 and sequences[number] ~= expected[number] then
    reply[#reply + 1] = number
    reply[#reply + 1] = sequences[number]
  end
end
return reply
