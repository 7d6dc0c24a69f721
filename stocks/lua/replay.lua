-- Put a dead letter back into the stream it came from, in one step with taking it out of the dead.
--
-- KEYS[1]  the stream of dead letters
-- KEYS[2]  the stream
-- ARGV[1]  the letter's id
-- ARGV[…]  the fields that say why it is dead

local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then
  return 0
end
local about = {}
for at = 2, #ARGV do
  about[ARGV[at]] = true
end
local fields, kept = found[1][2], {}
for at = 1, #fields, 2 do
  if not about[fields[at]] then
    kept[#kept + 1] = fields[at]
    kept[#kept + 1] = fields[at + 1]
  end
end
if #kept == 0 then
  return 0
end
redis.call('XADD', KEYS[2], '*', unpack(kept))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
