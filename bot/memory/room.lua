-- Everything that is done to a room, in one atomic step.
--
-- KEYS are the seven keys of the room, in the order of keys.ROOM_PARTS. ARGV[1] is a JSON object, the
-- fields of update.RoomUpdate; whatever is missing is not done. Arrays are flat lists of fields and
-- values as Redis takes them, so that nothing is encoded anew here.
--
-- Returns "done" or "taken", the id (of a turn) or number that was asked for, the state, the turns
-- after ask.after, 1 when the caller must forget what it has read before, and then all lines.

local turns, state, open, lines, heard, asked, learnt = unpack(KEYS)
-- What `erase` leaves for a minute; of the same hash slot as the room.
local gone_turns, gone_lines, gone_state = turns .. ':gone', lines .. ':gone', state .. ':gone'
local SAID = {'mark', 'summaries', 'summed', 'place', 'mood', 'note', 'choices', 'branches', 'branch', 'hidden'}
local ask = cjson.decode(ARGV[1])

local function bounded(key, most)
  local names = redis.call('HKEYS', key)
  if #names > most then
    table.sort(names)
    for i = 1, #names - most do redis.call('HDEL', key, names[i]) end
  end
end

-- Entries of a stream cannot be written over, and what XDEL deletes stays in memory and on disk as
-- long as a neighbour is there: all are written anew, with the same ids.
local function rewrite(texts, drops)
  local gone = {}
  for _, id in ipairs(drops) do gone[id] = true end
  local rows = redis.call('XRANGE', turns, '-', '+')
  redis.call('DEL', turns)
  for _, row in ipairs(rows) do
    local text, fields = texts[row[1]], row[2]
    if text then
      for i = 1, #fields, 2 do
        if fields[i] == 't' then fields[i + 1] = text end
      end
    end
    if not gone[row[1]] then redis.call('XADD', turns, row[1], unpack(fields)) end
  end
end

local function done_before()
  if ask.turn then
    for _, row in ipairs(redis.call('XREVRANGE', turns, '+', '-', 'COUNT', 64)) do
      for i = 1, #row[2], 2 do
        if row[2][i] == 'n' and row[2][i + 1] == ask.id then return row[1] end
      end
    end
  elseif ask.heard and redis.call('HEXISTS', open, ask.id) == 1 then
    return ''
  elseif ask.expect then
    -- Our own change of what is to be done.
    local now = redis.call('HGET', open, ask.expect[1])
    if ask.closes and not now or not ask.closes and now == ask.opens[2] then return '' end
  end
end

local function go()
  if ask.again then
    local id = done_before()
    if id then return 'done', id end
  end
  if ask.heard then
    if redis.call('ZADD', heard, 'NX', ask.now, ask.heard) == 0 then return 'taken', '' end
    redis.call('ZREMRANGEBYRANK', heard, 0, -ask.heard_kept - 1)
  end
  if ask.epoch_now and (redis.call('HGET', state, 'epoch') or '0') ~= ask.epoch_now then
    return 'taken', ''
  end
  if ask.expect and redis.call('HGET', open, ask.expect[1]) ~= ask.expect[2] then
    return 'taken', ''
  end
  local found = ''
  if ask.state then redis.call('HSET', state, unpack(ask.state)) end
  -- A room that is made anew must not be taken for the one that was erased.
  if ask.state or ask.turn then redis.call('HSETNX', state, 'epoch', ask.birth) end
  if ask.before then redis.call('XADD', turns, '*', unpack(ask.before)) end
  if ask.turn then
    local fields = ask.turn
    local known = false
    for i = 1, #fields, 2 do known = known or fields[i] == 'w' end
    if not known then
      local present = redis.call('HGET', state, 'cast') or ''
      if ask.side == 'c' and not (' ' .. present .. ' '):find(' ' .. fields[2] .. ' ', 1, true) then
        present = present .. ' ' .. fields[2]
      end
      fields[#fields + 1] = 'w'
      fields[#fields + 1] = present
    end
    fields[#fields + 1] = 'n'
    fields[#fields + 1] = ask.id
    found = redis.call('XADD', turns, 'MAXLEN', '~', ask.turns_kept, '*', unpack(fields))
  end
  if ask.stale then
    rewrite(ask.texts or {}, ask.drops or {})
  elseif ask.drops then
    redis.call('XDEL', turns, unpack(ask.drops))
  end
  if ask.unlines then redis.call('HDEL', lines, unpack(ask.unlines)) end
  if ask.closes then redis.call('HDEL', open, unpack(ask.closes)) end
  if ask.opens then redis.call('HSET', open, unpack(ask.opens)) end
  if ask.lines then
    redis.call('HSET', lines, unpack(ask.lines))
    bounded(lines, ask.lines_kept)
  end
  if ask.erase then
    found = redis.call('XLEN', turns)
    redis.call('DEL', gone_turns, gone_lines, gone_state)
    if ask.undoable and found > 0 then
      -- For a minute it can be brought back; then Redis deletes it by itself.
      local told = {}
      for _, field in ipairs(SAID) do
        local value = redis.call('HGET', state, field)
        if value then told[#told + 1] = field; told[#told + 1] = value end
      end
      redis.call('RENAME', turns, gone_turns)
      if redis.call('EXISTS', lines) == 1 then redis.call('RENAME', lines, gone_lines) end
      if #told > 0 then redis.call('HSET', gone_state, unpack(told)) end
      for _, key in ipairs({gone_turns, gone_lines, gone_state}) do
        redis.call('EXPIRE', key, ask.gone_life)
      end
    end
    redis.call('DEL', turns, lines, asked, learnt)
    redis.call('HDEL', state, unpack(SAID))
    for _, id in ipairs(redis.call('HKEYS', open)) do
      if id:find('.', 1, true) then redis.call('HDEL', open, id) end
    end
  end
  if ask.restore then
    found = redis.call('XLEN', gone_turns)
    if found == 0 then return 'done', -1 end
    local since = redis.call('XRANGE', turns, '-', '+')
    redis.call('DEL', turns)
    redis.call('RENAME', gone_turns, turns)
    for _, row in ipairs(since) do redis.call('XADD', turns, row[1], unpack(row[2])) end
    for from, to in pairs({[gone_lines] = lines, [gone_state] = state}) do
      local known = redis.call('HGETALL', from)
      for i = 1, #known, 2 do redis.call('HSETNX', to, known[i], known[i + 1]) end
      redis.call('DEL', from)
    end
    for _, key in ipairs({turns, lines}) do redis.call('EXPIRE', key, ask.life) end
  end
  if ask.stale then redis.call('DEL', asked) end
  if ask.epoch then redis.call('HINCRBY', state, 'epoch', 1) end
  if ask.turn or ask.opens or ask.state or ask.stale then
    for _, key in ipairs({turns, state, open, lines, heard, learnt}) do
      redis.call('EXPIRE', key, ask.life)
    end
  end
  return 'done', found
end

local result, found = go()
local fresh = (redis.call('HGET', state, 'epoch') or '0') ~= ask.epoch_known
local after, shown = ask.after, {}
if fresh then
  local mark = redis.call('HGET', state, 'mark')
  after = mark and mark ~= '' and '(' .. mark or '-'
  shown = redis.call('HGETALL', lines)
end
return {result, found, redis.call('HGETALL', state), redis.call('XRANGE', turns, after, '+'),
        fresh and 1 or 0, shown}
