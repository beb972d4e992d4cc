-- Everything that changes stored characters, in one atomic step.
--
-- KEYS are cards, gone, names, changed, version, faces, then the sets of ids of the owner and of the
-- place as they are to be, and as they were. ARGV[1] is a JSON object:
--   id, expect (the record as the caller read it, "" for none), record ("" to withdraw), stub (what
--   stays of one that is withdrawn), face (base64; "" for none, absent to leave it), names (with
--   their scopes), taken (names that nobody else may hold), most (of owner, place and all), kept_gone
--
-- Returns "done", "changed" (the record is another one by now), "taken" and whose the name is, or
-- "full" and of what.

local cards, gone, names, changed, version, faces, owned, placed, owned_before, placed_before =
  unpack(KEYS)
local ask = cjson.decode(ARGV[1])
local now = redis.call('HGET', cards, ask.id) or ''

if now == ask.record and (now ~= '' or redis.call('HEXISTS', gone, ask.id) == 1) then
  return {'done', ''}
end
if now ~= ask.expect then return {'changed', ''} end
if ask.record ~= '' then
  for _, name in ipairs(ask.taken) do
    local whose = redis.call('HGET', names, name)
    if whose and whose ~= ask.id then return {'taken', whose, name} end
  end
  local function full(key, most)
    return redis.call('SISMEMBER', key, ask.id) == 0 and redis.call('SCARD', key) >= most
  end
  if full(owned, ask.most[1]) then return {'full', 'owner'} end
  if full(placed, ask.most[2]) then return {'full', 'place'} end
  if now == '' and redis.call('HLEN', cards) >= ask.most[3] then return {'full', 'all'} end
end

if now ~= '' then
  for _, name in ipairs(cjson.decode(now).names) do
    if redis.call('HGET', names, name) == ask.id then redis.call('HDEL', names, name) end
  end
  redis.call('SREM', owned_before, ask.id)
  redis.call('SREM', placed_before, ask.id)
end
if ask.record == '' then
  redis.call('HDEL', cards, ask.id)
  redis.call('HDEL', faces, ask.id)
  redis.call('HSET', gone, ask.id, ask.stub)
else
  redis.call('HSET', cards, ask.id, ask.record)
  redis.call('HDEL', gone, ask.id)
  for _, name in ipairs(ask.names) do redis.call('HSET', names, name, ask.id) end
  redis.call('SADD', owned, ask.id)
  redis.call('SADD', placed, ask.id)
  if ask.face == '' then
    redis.call('HDEL', faces, ask.id)
  elseif ask.face then
    redis.call('HSET', faces, ask.id, ask.face)
  end
end
redis.call('ZADD', changed, redis.call('INCR', version), ask.id)
if redis.call('HLEN', gone) > ask.kept_gone then
  for _, id in ipairs(redis.call('ZRANGE', changed, 0, 99)) do
    if redis.call('HDEL', gone, id) == 1 then redis.call('ZREM', changed, id) end
  end
end
return {'done', ''}
