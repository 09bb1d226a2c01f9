-- Compares live executions and the counts of users with the indexes and the queues, and repairs what differs. Without a
-- defect or a loss of data nothing does.

-- The most entries of queues and indexes that one audit counts, so that it ends soon. What has more is counted when less
-- waits.
local COUNTED_MAX = 1000
local counted = 0

local function may_count(entries)
  counted = counted + entries
  return counted <= COUNTED_MAX
end

local function index_of(record) return record.status == 'pending' and 'waits' or 'leases' end

-- Whether a live execution is in the index of its state, as far as this group has changed it.
local function is_indexed(record)
  local name, member = index_of(record), index_member(record)
  local changed = scores[name][member]
  if changed ~= nil then return changed ~= false end
  return call('ZSCORE', base .. name, member) ~= false
end

-- Whether a waiting execution is in the queue of its user, or may be, because that is long.
local function is_queued(record)
  local key = queue_key(record.owner, record.lane)
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
  if call('EXISTS', record_key(id)) == 0 then
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
  local members, by_owner = {}, {}
  for _, member in ipairs(call('ZRANGE', base .. 'leases', 0, -1)) do members[member] = true end
  for member, score in pairs(scores.leases) do members[member] = score and true or nil end
  for member in pairs(members) do
    local _, owner, _, size = string.match(member, MEMBER)
    local sum = by_owner[owner or ''] or { count = 0, bytes = 0 }
    sum.count, sum.bytes = sum.count + 1, sum.bytes + tonumber(size or 0)
    if owner then by_owner[owner] = sum end
  end
  return by_owner
end

-- The number and the bytes of the executions of a user that wait in a lane. The bytes of many are nil.
local function count_queue(owner, lane)
  local key = queue_key(owner, lane)
  local waiting, bytes = call('LLEN', key), 0
  if not may_count(waiting) then return waiting, nil end
  for _, member in ipairs(call('LRANGE', key, 0, -1)) do bytes = bytes + tonumber(string.match(member, '%d+$') or 0) end
  return waiting, bytes
end

-- Makes a value what it should be. Returns whether it was something else.
local function correct(values, name, actual)
  if values[name] == actual then return false end
  values[name] = actual
  change_totals()
  return true
end

-- Repairs the counts of a user, and the lanes in which they are listed. Returns whether something was wrong.
local function audit_user(owner, running)
  local user, lanes, is_wrong = load_user(owner), {}, false
  local pending, bytes = 0, running.bytes
  for lane in pairs(load_totals().lanes) do lanes[lane] = true end
  for lane in pairs(user.lanes) do lanes[lane] = true end
  for lane in pairs(lanes) do
    local waiting, size = count_queue(owner, lane)
    pending, bytes = pending + waiting, bytes and size and bytes + size
    is_wrong = correct(user.lanes, lane, waiting > 0 and waiting or nil) or is_wrong
    local turn = call('ZSCORE', lane_key(lane), owner)
    is_wrong = correct(user.turns, lane, turn and tonumber(turn) or nil) or is_wrong
    local must_be_listed = waiting > 0 and running.count < running_max
    is_wrong = is_wrong or must_be_listed ~= (turn ~= false)
    -- A take looks only at lanes that are counted.
    if waiting > 0 and not totals.lanes[lane] then is_wrong = correct(totals.lanes, lane, waiting) end
  end
  is_wrong = correct(user, 'pending', pending) or is_wrong
  is_wrong = correct(user, 'running', running.count) or is_wrong
  is_wrong = correct(user, 'bytes', bytes or user.bytes) or is_wrong
  if is_wrong then list_user(user) end
  return is_wrong
end

-- Repairs the totals, unless so much waits that this would take long. Returns whether something was wrong.
local function audit_totals(running)
  if not may_count(call('ZCARD', base .. 'waits')) then return false end
  local sums, lanes = { pending = 0, running = 0, bytes = 0 }, {}
  for _, each in pairs(running) do
    sums.running, sums.bytes = sums.running + each.count, sums.bytes + each.bytes
  end
  for _, member in ipairs(call('ZRANGE', base .. 'waits', 0, -1)) do
    local _, _, lane, size = string.match(member, MEMBER)
    if lane then
      sums.pending, sums.bytes = sums.pending + 1, sums.bytes + tonumber(size)
      lanes[lane] = (lanes[lane] or 0) + 1
    end
  end
  local is_wrong = false
  for name, sum in pairs(sums) do is_wrong = correct(load_totals(), name, sum) or is_wrong end
  for lane in pairs(totals.lanes) do lanes[lane] = lanes[lane] or 0 end
  for lane, waiting in pairs(lanes) do
    is_wrong = correct(totals.lanes, lane, waiting > 0 and waiting or nil) or is_wrong
  end
  return is_wrong
end

-- Checks some live executions, their users and some others, unless another process has done so within a minute. Returns where the next audit continues in both, and how much was repaired.
-- Counts are right only when the sweep has ended what is past its deadline, because a take removes that from its queue.
function steps.audit(header)
  local count_max, repaired = header[6], 0
  if now < load_totals().audited + MINUTE and now >= totals.audited then
    return { audited = { header[4], header[5], 0 } }
  end
  change_totals().audited = now
  local lives, owners = call('HSCAN', LIVE, header[4], 'COUNT', count_max), {}
  for i = 1, #lives[2], 2 do
    -- The counts of a user may be lost.
    local record = load_record(lives[2][i])
    if record and not record.is_newer then owners[record.owner] = true end
    if audit_record(lives[2][i]) then repaired = repaired + 1 end
  end
  if next(scores.waits) or call('ZCOUNT', base .. 'waits', '-inf', digits(now)) > 0 then
    return { audited = { lives[1], header[5], repaired } }
  end
  local names = call('HSCAN', USERS, header[5], 'COUNT', count_max)
  local running = count_running()
  for i = 1, #names[2], 2 do owners[names[2][i]] = true end
  for owner in pairs(owners) do
    if audit_user(owner, running[owner] or { count = 0, bytes = 0 }) then repaired = repaired + 1 end
  end
  if audit_totals(running) then repaired = repaired + 1 end
  return { audited = { lives[1], names[1], repaired } }
end
