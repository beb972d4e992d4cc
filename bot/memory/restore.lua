-- Keys of one hash tag become what a backup says, in one step. What was in them is gone.
--
-- KEYS: of one tag. ARGV: JSON for each key: {kind, expires, value} as backup.lua gave it, and "more"
-- where this is another piece of what is there already; "" for a key that is to go.
local function many(command, key, flat)
  for from = 1, #flat, 1000 do
    redis.call(command, key, unpack(flat, from, math.min(from + 999, #flat)))
  end
end
for i, key in ipairs(KEYS) do
  if ARGV[i] == '' then
    redis.call('DEL', key)
  else
    local kind, expires, value, more = unpack(cjson.decode(ARGV[i]))
    if not more then redis.call('DEL', key) end
    if kind == 'string' then
      redis.call('SET', key, (value:gsub('%x%x', function(d) return string.char(tonumber(d, 16)) end)))
    elseif kind == 'hash' then many('HSET', key, value)
    elseif kind == 'set' then many('SADD', key, value)
    elseif kind == 'zset' then
      local flat = {}
      for n = 1, #value, 2 do flat[n], flat[n + 1] = value[n + 1], value[n] end
      many('ZADD', key, flat)
    elseif kind == 'stream' then
      for _, entry in ipairs(value[2]) do redis.call('XADD', key, entry[1], unpack(entry[2])) end
      if value[1] ~= '' and redis.call('EXISTS', key) == 1 then redis.call('XSETID', key, value[1]) end
    end
    if expires ~= '' then redis.call('PEXPIREAT', key, expires) end
  end
end
return #KEYS
