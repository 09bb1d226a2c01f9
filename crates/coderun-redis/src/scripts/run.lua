-- Runs the steps of a group in their order, writes what they have changed, and returns their replies.

-- Reads all executions and users that the headers name, with one command each.
local function load_named(headers)
  local ids, owners = {}, {}
  for _, header in ipairs(headers) do
    local id, owner = header[2], header[3]
    if id and records[id] == nil then
      records[id] = false
      ids[#ids + 1] = id
    end
    if owner and users[owner] == nil then
      users[owner] = false
      owners[#owners + 1] = owner
    end
  end
  load_records(ids)
  load_users(owners)
end

-- Stores what is there, and deletes what is not, in a hash.
local function write_hash(key, changed, value_of, is_new)
  local set, deleted, last, last_deleted = {}, {}, 0, 0
  for name in pairs(changed) do
    local value = value_of(name)
    if value then
      set[last + 1], set[last + 2], last = name, value, last + 2
    else
      deleted[last_deleted + 1], last_deleted = name, last_deleted + 1
    end
  end
  if last > 0 then
    call_with(set, 'HSET', key)
    if is_new then call('PEXPIRE', key, SHARED_TTL) end
  end
  call_with(deleted, 'HDEL', key)
end

-- Lists users in lanes. A user who is new in a lane is new work: a worker that found nothing has found the lane without them.
local function write_lanes()
  for lane, turns in pairs(changed_lanes) do
    local listed, removed, has_idle = {}, {}, false
    for owner, turn in pairs(turns) do
      if turn then
        has_idle = has_idle or turn < RUNNING_STEP
        listed[#listed + 1] = digits(turn)
        listed[#listed + 1] = owner
      else
        removed[#removed + 1] = owner
      end
    end
    if #listed > 0 and call_with(listed, 'ZADD', key_of('lane', lane)) > 0 then
      call('PEXPIRE', key_of('lane', lane), SHARED_TTL)
      new_work = (has_idle or new_work == 'work') and 'work' or 'work busy'
    end
    call_with(removed, 'ZREM', key_of('lane', lane))
  end
end

local function write_scores(name, is_new)
  local added, removed, last, last_removed = {}, {}, 0, 0
  for member, score in pairs(scores[name]) do
    if score then
      added[last + 1], added[last + 2], last = digits(score), member, last + 2
    else
      removed[last_removed + 1], last_removed = member, last_removed + 1
    end
  end
  if last > 0 then
    -- The clock of a process that is behind must not shorten a lease.
    call_with(added, 'ZADD', base .. name, name == 'leases' and 'GT')
    if is_new then call('PEXPIRE', base .. name, SHARED_TTL) end
  end
  call_with(removed, 'ZREM', base .. name)
end

local function record_value(id) return records[id] and to_value(records[id]) end

local function user_value(owner)
  local user = users[owner]
  if user.pending == 0 and user.running == 0 and next(user.lanes) == nil then return nil end
  return encode({ user.turn, user.pending, user.running, user.bytes, user.lanes, user.turns })
end

local function write_totals()
  local must_renew = now >= totals.renewed + MINUTE or now < totals.renewed
  if must_renew then
    totals.renewed = now
    for taken, ends in pairs(totals.repeated) do
      if ends <= now then totals.repeated[taken] = nil end
    end
    for _, key in ipairs({ LIVE, USERS, RETIRED, base .. 'leases', base .. 'waits' }) do call('PEXPIRE', key, SHARED_TTL) end
    for lane in pairs(totals.lanes) do call('PEXPIRE', key_of('lane', lane), SHARED_TTL) end
  end
  if not must_renew and not totals.is_changed and not next(changed_users) then return end
  call('SET', TOTALS, encode({
    totals.pending, totals.bytes, totals.running, totals.order, totals.last_turn, totals.first_turn, totals.renewed,
    totals.lanes, totals.repeated,
  }), 'PX', SHARED_TTL)
end

local function write_changes()
  -- What is live no more must have its entry here. So that is written first: if it fails, the caller ends the execution again.
  if #retired > 0 and call_with(retired, 'RPUSH', RETIRED) == #retired then call('PEXPIRE', RETIRED, SHARED_TTL) end
  -- What is empty has no key, and so no lifetime either.
  local is_empty = totals and not totals.had_pending and not totals.had_running
  write_hash(LIVE, changed_records, record_value, is_empty)
  write_hash(USERS, changed_users, user_value, is_empty)
  write_scores('leases', totals and not totals.had_running)
  write_scores('waits', totals and not totals.had_pending)
  write_lanes()
  for _, write in ipairs(writers) do write() end
  if totals then write_totals() end
  if new_work then signal(new_work) end
  for i = 1, #messages, 2 do call('PUBLISH', messages[i], messages[i + 1]) end
end

-- The steps that must work while the memory of the server is full: they serve what it has accepted, and most free memory.
local WORKS_WHEN_FULL = {
  take = true, renew = true, append = true, finish = true, watch = true, cancel = true, release = true, sweep = true,
}

-- A full memory refuses a script at its first write, if that may need memory, and no later one. So a group with such a step
-- begins with a write that needs none.
local function write_nothing(headers)
  for _, header in ipairs(headers) do
    if WORKS_WHEN_FULL[header[1]] then return call('PEXPIRE', key_of('s', 'none'), 1) end
  end
end

-- Encoded words.
local words = {}

-- The reply of a step as it is sent.
local function to_reply(reply)
  local word = words[reply]
  if word then return word end
  if type(reply) == 'string' then
    words[reply] = encode(reply)
    return words[reply]
  end
  local is_list = reply[1] ~= nil or next(reply) == nil
  return is_list and reply or encode(reply)
end

local headers, replies = {}, {}
for i = FIRST_STEP, #ARGV, 2 do headers[#headers + 1] = { cmsgpack.unpack(ARGV[i]) } end
load_named(headers)
write_nothing(headers)
for i, header in ipairs(headers) do
  local name = header[1]
  while not steps[name] do parts[name]() end
  local reply, encoded = steps[name](header, ARGV[FIRST_STEP + 2 * i - 1])
  replies[i] = encoded or to_reply(reply)
end
write_changes()
return replies
