-- A person speaks in a room: noted before what they say is stored, in one step, as it comes before
-- every message. When there are more rooms than are listed, forgetting looks into all.
--
-- KEYS: the person's account and rooms. ARGV: room, seconds since 1970, most rooms, days until the
-- person is forgotten, days that the keys live longer, then fields and values of the account.
local account, rooms = KEYS[1], KEYS[2]
local room, at, most, days, margin = unpack(ARGV, 1, 5)
redis.call('HSET', account, unpack(ARGV, 6))
redis.call('ZADD', rooms, at, room)
if redis.call('ZCARD', rooms) > tonumber(most) then
  redis.call('HSET', account, 'many', '1')
  redis.call('ZREMRANGEBYRANK', rooms, 0, -most - 1)
end
local life = ((redis.call('HGET', account, 'days') or days) + margin) * 86400
redis.call('EXPIRE', account, life)
redis.call('EXPIRE', rooms, life)
return redis.call('HGET', account, 'news')
