-- What every script here begins with: the epoch, and how many fields of a hash are read.
--
-- KEYS[1]  hash of positions: epoch, run, and one sequence per room
-- ARGV[1]  epoch to begin when none is valid

local positions = KEYS[1]
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

