-- Whether a provider may be asked: every breaker on the way is closed, or one lets a single probe through.
--
-- KEYS      breakers: of the whole provider, of the capability
-- ARGV[1]   the time in milliseconds
-- ARGV[2]   milliseconds for which a probe keeps the others away
--
-- Returns {"closed" | "probe" | "open", milliseconds until the next probe}.

local now, lease = tonumber(ARGV[1]), tonumber(ARGV[2])
local probed = {}
local wait = 0
for index, key in ipairs(KEYS) do
  local till = tonumber(redis.call('HGET', key, 'until') or '')
  if till then
    if now < till then
      wait = math.max(wait, till - now)
    else
      probed[#probed + 1] = key
    end
  end
end
if wait > 0 then
  return {'open', wait}
end
for _, key in ipairs(probed) do
  redis.call('HSET', key, 'until', now + lease)
end
return {#probed > 0 and 'probe' or 'closed', 0}
