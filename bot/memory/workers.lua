-- A process says that it is there, and hears who is not any more.
--
-- KEYS: the group. ARGV: the process, seconds after which one that says nothing is gone, whether
-- this one leaves ("1"), then processes that are known to have ended. Returns those that are gone,
-- each told to one process alone, and the others that are there.
local group = KEYS[1]
local me, life = ARGV[1], tonumber(ARGV[2])
local now = tonumber(redis.call('TIME')[1])
if ARGV[3] == '1' then
  -- Not taken away: somebody has to hear that what it left is to be taken up.
  if redis.call('ZCARD', group) > 1 then redis.call('ZADD', group, 0, me)
  else redis.call('DEL', group) end
  return {{}, {}}
end
redis.call('ZADD', group, now, me)
redis.call('EXPIRE', group, 86400)
local gone = redis.call('ZRANGEBYSCORE', group, '-inf', '(' .. (now - life))
for _, process in ipairs(gone) do redis.call('ZREM', group, process) end
for i = 4, #ARGV do
  if redis.call('ZREM', group, ARGV[i]) == 1 then gone[#gone + 1] = ARGV[i] end
end
local others = {}
for _, process in ipairs(redis.call('ZRANGE', group, 0, -1)) do
  if process ~= me then others[#others + 1] = process end
end
return {gone, others}
