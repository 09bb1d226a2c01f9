-- Compares live executions and the counts of users with the indexes and the queues, and repairs what differs. Without a
-- defect or a loss of data nothing does.

-- The number of executions and of users that one audit checks, about.
local AUDITED_COUNT = 100
-- The most entries of queues and indexes that one audit counts, so that it ends soon. What has more is counted when less
-- waits.
local COUNTED_MAX = 1000
local counted = 0

local function may_count(entries)
  counted = counted + entries
  return counted <= COUNTED_MAX
end

-- Whether a live execution is in the index of its state.
local function is_indexed(record)
  local index = record.status == 'pending' and 'waits' or 'leases'
  return call('ZSCORE', base .. index, index_member(record)) ~= false
end

-- Whether a waiting execution is in the queue of its user, or may be, because that is long.
local function is_queued(record)
  local key = key_of('q', record.owner .. ':' .. record.lane)
  return call('LPOS', key, queue_member(record), 'MAXLEN', COUNTED_MAX) ~= false or call('LLEN', key) > COUNTED_MAX
end

-- Repairs what refers to a live execution. Returns whether something was wrong. What is past its deadline is left to the
-- sweep.
local function audit_record(id)
  local record = load_record(id)
  if not record then
    changed_records[id] = true
    return true
  end
  if record.is_newer or deadline(record) <= now then return false end
  if call('EXISTS', key_of('e', id)) == 0 then
    remove(record)
    return true
  end
  local is_wrong = not is_indexed(record)
  if is_wrong and record.status == 'pending' then
    scores.waits[index_member(record)] = deadline(record)
  elseif is_wrong then
    extend_lease(record)
  end
  if record.status == 'pending' and not is_queued(record) then
    queue_again(record)
    is_wrong = true
  end
  return is_wrong
end

-- The number and the bytes of the executions of each user that run.
local function count_running()
  local by_owner = {}
  for _, member in ipairs(call('ZRANGE', base .. 'leases', 0, -1)) do
    local _, owner, _, size = string.match(member, MEMBER)
    if owner then
      local sum = by_owner[owner] or { count = 0, bytes = 0 }
      by_owner[owner] = { count = sum.count + 1, bytes = sum.bytes + tonumber(size) }
    end
  end
  return by_owner
end

-- The number and the bytes of the executions of a user that wait in a lane. The bytes of many are nil.
local function count_queue(owner, lane)
  local key = key_of('q', owner .. ':' .. lane)
  local waiting, bytes = call('LLEN', key), 0
  if not may_count(waiting) then return waiting, nil end
  for _, member in ipairs(call('LRANGE', key, 0, -1)) do bytes = bytes + tonumber(string.match(member, '%d+$') or 0) end
  return waiting, bytes
end

-- Makes a value what it should be. Returns whether it was something else.
local function correct(values, name, actual)
  if values[name] == actual then return false end
  values[name] = actual
  totals.is_changed = true
  return true
end

-- Repairs the counts of a user, and the lanes in which they are listed. Returns whether something was wrong.
local function audit_user(owner, running)
  local user, lanes, is_wrong, must_list = load_user(owner), {}, false, false
  local pending, bytes = 0, running.bytes
  for lane in pairs(load_totals().lanes) do lanes[lane] = true end
  for lane in pairs(user.lanes) do lanes[lane] = true end
  for lane in pairs(lanes) do
    local waiting, size = count_queue(owner, lane)
    pending, bytes = pending + waiting, bytes and size and bytes + size
    is_wrong = correct(user.lanes, lane, waiting > 0 and waiting or nil) or is_wrong
    local turn = call('ZSCORE', key_of('lane', lane), owner)
    is_wrong = correct(user.turns, lane, turn and tonumber(turn) or nil) or is_wrong
    -- Processes may have different bounds on what a user runs, so this alone is no damage.
    must_list = must_list or (waiting > 0 and running.count < running_max) ~= (turn ~= false)
    -- A take looks only at lanes that are counted.
    if waiting > 0 and not totals.lanes[lane] then is_wrong = correct(totals.lanes, lane, waiting) end
  end
  is_wrong = correct(user, 'pending', pending) or is_wrong
  is_wrong = correct(user, 'running', running.count) or is_wrong
  is_wrong = correct(user, 'bytes', bytes or user.bytes) or is_wrong
  if is_wrong or must_list then list_user(user) end
  return is_wrong
end

-- Repairs the totals, unless so much waits that this would take long. Returns whether something was wrong.
local function audit_totals()
  if not may_count(call('ZCARD', base .. 'waits')) then return false end
  local actual, is_wrong = count_totals(-1), false
  for _, name in ipairs({ 'pending', 'running', 'bytes' }) do
    is_wrong = correct(load_totals(), name, actual[name]) or is_wrong
  end
  for lane in pairs(totals.lanes) do is_wrong = correct(totals.lanes, lane, actual.lanes[lane]) or is_wrong end
  for lane, waiting in pairs(actual.lanes) do is_wrong = correct(totals.lanes, lane, waiting) or is_wrong end
  return is_wrong
end

-- The time of the last audit, and where the next one continues in the hashes.
local AUDITED = base .. 'audited'

-- Checks some live executions, their users and some others, unless a process has done so within a minute. Returns how much was
-- repaired.
local function audit()
  local audited, next_live, next_user = string.match(call('GET', AUDITED) or '', '^(%d+) (%d+) (%d+)$')
  audited = tonumber(audited or 0)
  if now < audited + MINUTE and now >= audited then return 0 end
  local lives, owners, repaired = call('HSCAN', LIVE, next_live or 0, 'COUNT', AUDITED_COUNT), {}, 0
  for i = 1, #lives[2], 2 do
    -- The counts of a user may be lost.
    local record = load_record(lives[2][i])
    if record and not record.is_newer then owners[record.owner] = true end
    if audit_record(lives[2][i]) then repaired = repaired + 1 end
  end
  -- What this group has changed is not counted.
  if not next(scores.waits) and not next(scores.leases) then
    local names, running = call('HSCAN', USERS, next_user or 0, 'COUNT', AUDITED_COUNT), count_running()
    next_user = names[1]
    for i = 1, #names[2], 2 do owners[names[2][i]] = true end
    for owner in pairs(owners) do
      if audit_user(owner, running[owner] or { count = 0, bytes = 0 }) then repaired = repaired + 1 end
    end
    if audit_totals() then repaired = repaired + 1 end
  end
  call('SET', AUDITED, table.concat({ digits(now), lives[1], next_user or 0 }, ' '), 'PX', SHARED_TTL)
  return repaired
end
