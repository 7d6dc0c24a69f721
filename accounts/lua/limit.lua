-- Sliding windows of several policies, counted all or none. Defines `take`; other scripts follow it.
--
-- A window is cut into sixty steps. What is counted stays until sixty whole steps have passed since the step
-- it came in, so that in no window of that length, wherever it begins, there is more than the limit. A hash
-- per policy holds the count of each step under the step's number, their sum (`used`) and the first of them
-- (`oldest`).

local STEPS = 60

-- How much is counted in a policy's window, since which step, and how much in the current step. `life` is for
-- how many seconds the hash has to last.
local function roll(key, step, life)
  local state = redis.call('HMGET', key, 'used', 'oldest', step)
  local used, oldest = tonumber(state[1]) or 0, tonumber(state[2]) or step
  local current = tonumber(state[3]) or 0
  if used <= 0 then
    return 0, step, 0
  end
  if oldest > step then
    -- The clock was set back. Counted as of now nothing is let through that should not be.
    redis.call('DEL', key)
    redis.call('HSET', key, 'used', used, 'oldest', step, step, used)
    redis.call('EXPIRE', key, life)
    return used, step, used
  end
  local first = step - STEPS
  if oldest >= first then
    return used, oldest, current
  end
  local gone = {}
  while oldest < first and used > 0 do
    local count = redis.call('HGET', key, oldest)
    if count then
      used = used - count
      gone[#gone + 1] = oldest
    end
    oldest = oldest + 1
  end
  while oldest < step and used > 0 and redis.call('HEXISTS', key, oldest) == 0 do
    oldest = oldest + 1
  end
  if used <= 0 then
    redis.call('DEL', key)
    return 0, step, 0
  end
  if #gone > 0 then
    redis.call('HDEL', key, unpack(gone))
  end
  redis.call('HSET', key, 'used', used, 'oldest', oldest)
  return used, oldest, current
end

-- The step with whose leaving no more than `most` remain counted.
local function leaving(key, used, oldest, step, most)
  while oldest < step do
    used = used - (redis.call('HGET', key, oldest) or 0)
    if used <= most then
      return oldest
    end
    oldest = oldest + 1
  end
  return step
end

-- Count one request against the policies of `keys`, from `first_key` on; `args`, from `first_arg` on, holds per
-- policy: its limit, its seconds, what was counted elsewhere while this server was away, and how much the caller
-- knows this server to have counted before. The third is added now whether the request is let through or not; so
-- is what is missing of the fourth, which was lost, as when this server was restarted empty.
--
-- Returns {1 or 0, the time in seconds, then per policy: how much is counted now, when that becomes less (or,
-- where the policy refused the request, when it would be let through)}.
local function take(keys, first_key, args, first_arg)
  local now = tonumber(redis.call('TIME')[1])
  local allowed = 1
  local windows = {}
  for index = first_key, #keys do
    local at = first_arg + (index - first_key) * 4
    local limit, seconds, debt = tonumber(args[at]), tonumber(args[at + 1]), tonumber(args[at + 2])
    local known = tonumber(args[at + 3])
    local size = seconds / STEPS
    local step = math.floor(now / size)
    -- Two steps more than the first of them has to last.
    local life = math.ceil((STEPS + 2) * size)
    local used, oldest, current = roll(keys[index], step, life)
    if used < known then
      debt = debt + known - used
    end
    if used + debt + 1 > limit then
      allowed = 0
    end
    windows[#windows + 1] = {keys[index], limit, size, step, used + debt, oldest, current + debt, debt, life}
  end
  local reply = {allowed, now}
  for _, window in ipairs(windows) do
    local key, limit, size, step, used, oldest, current, debt, life = unpack(window)
    local ends = oldest
    if used + 1 > limit then
      ends = leaving(key, used, oldest, step, limit - 1)
    end
    local added = debt + allowed
    if added > 0 then
      used, current = used + allowed, current + allowed
      redis.call('HSET', key, 'used', used, 'oldest', oldest, step, current)
      if current == added then
        redis.call('EXPIRE', key, life)
      end
    end
    reply[#reply + 1] = used
    reply[#reply + 1] = math.ceil((ends + STEPS + 1) * size)
  end
  return reply
end
