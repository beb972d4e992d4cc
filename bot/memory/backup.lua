-- All that is in keys of one hash tag, at one moment, as text that JSON can hold.
--
-- KEYS: of one tag. Returns JSON: a list of [type, when it expires (ms since 1970, "" never), value].
-- Texts stand as they are; a string, which may hold bytes (HyperLogLog), is hexadecimal.
local function hex(bytes)
  return (bytes:gsub('.', function(c) return string.format('%02x', c:byte()) end))
end
local found = {}
for i, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  local life = redis.call('PTTL', key)
  local time = redis.call('TIME')
  local expires = ''
  if life >= 0 then expires = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + life) end
  local value
  if kind == 'string' then value = hex(redis.call('GET', key))
  elseif kind == 'hash' then value = redis.call('HGETALL', key)
  elseif kind == 'set' then value = redis.call('SMEMBERS', key)
  elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'stream' then
    local last, told = '', redis.call('XINFO', 'STREAM', key)
    for n, word in ipairs(told) do
      if word == 'last-generated-id' then last = told[n + 1] end
    end
    value = { last, redis.call('XRANGE', key, '-', '+') }
  else value = '' end
  found[i] = { kind, expires, value }
end
return cjson.encode(found)
