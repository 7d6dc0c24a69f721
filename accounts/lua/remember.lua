-- Write entries down, except over a tombstone.
--
-- KEYS[i]     the entry's key
-- ARGV[2i-1]  what it says
-- ARGV[2i]    seconds that it lives

for at, key in ipairs(KEYS) do
  if redis.call('GET', key) ~= '-' then
    redis.call('SET', key, ARGV[2 * at - 1], 'EX', ARGV[2 * at])
  end
end
