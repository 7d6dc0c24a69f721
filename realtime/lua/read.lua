-- Where rooms stand and what they hold, at one moment. Stands behind lua/start.lua.
--
-- KEYS[1]    hash of positions
-- KEYS[2]    hash of the newest event of each room that is one value
-- KEYS[r+2]  hash of the keys of room r
-- ARGV[1]    see lua/start.lua
-- ARGV[r+1]  name of room r
--
-- Returns the epoch, and per room its sequence, its newest event, and the keys of a room of many: for each, the key, its event or its sequence, and, where the
-- event is written out in another room, that room's.

local function members(key)
  local result, homes, waiting = {}, {}, {}
  local held = redis.call('HGETALL', key)
  for at = 1, #held, 2 do
    local name, value = held[at], held[at + 1]
    -- An event has a NUL; a place is "sequence sequence-there room".
    local sequence, there, home = string.match(value, '^(%d+) (%d+) ([^%z]+)$')
    if sequence then
      homes[#homes + 1] = home
      waiting[#homes] = { name, sequence, there }
    else
      result[#result + 1] = { name, value }
    end
  end
  for at, written in ipairs(get(KEYS[2], homes)) do
    local name, sequence, there = unpack(waiting[at])
    -- Where the other room was told something since, this room was not told that.
    if written and string.match(written, '^(%d+) ') == there then
      result[#result + 1] = { name, sequence, written }
    end
  end
  return result
end

local names = { unpack(ARGV, 2) }
local sequences = get(positions, names)
local newest = get(KEYS[2], names)
local rooms = {}
for number = 1, #names do
  rooms[number] = { sequences[number] or '0', newest[number] or '', members(KEYS[number + 2]) }
end
return { epoch, rooms }
