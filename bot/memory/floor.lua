-- One process at a time: it takes the floor unless another one that lives has it.
--
-- KEYS: the floor; and for a room its open requests. ARGV: the process, seconds until the floor is
-- free by itself, the request that is to be answered ("" without one), whether older requests go
-- first ("1"), then the other processes that live.
-- Returns 1: it is ours; 0: somebody else's; 2: it is free, and an older request of a process that
-- lives waits for it.
local me, life, request = ARGV[1], ARGV[2], ARGV[3]
local alive = {}
for i = 5, #ARGV do alive[ARGV[i]] = true end
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= me and alive[holder] then return 0 end
if request ~= '' and ARGV[4] == '1' then
  for _, id in ipairs(redis.call('HKEYS', KEYS[2])) do
    if not id:find('.', 1, true) and id < request then
      local owner = cjson.decode(redis.call('HGET', KEYS[2], id)).owner
      if owner ~= me and alive[owner] then return 2 end
    end
  end
end
redis.call('SET', KEYS[1], me, 'EX', life)
return 1
