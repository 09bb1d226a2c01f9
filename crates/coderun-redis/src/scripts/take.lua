-- Leases the next execution to a worker: first one whose lease has run out, else one that waits.

local worker, ticket, asks_again = ARGV[OWN], ARGV[OWN + 1], ARGV[OWN + 2] == '1'
local lanes, is_wanted = {}, {}
for i = OWN + 3, #ARGV do
  local lane = VERSION .. ':' .. ARGV[i]
  lanes[#lanes + 1] = lane
  is_wanted[lane] = true
end
-- What is overdue or lost is passed over, but not without end.
local PASSED_OVER_MAX = 100
local PAGE = 16

local function read_lease(member)
  local lane, id = string.match(member, '^(%S+) (%S+)$')
  return is_wanted[lane] and id
end

-- The reply to the same call may have been lost: what it took is found by its ticket.
local function taken_before()
  for _, member in ipairs(call('ZRANGE', LEASES, 0, -1)) do
    local id = read_lease(member)
    if id and call('HGET', record_key(id), 'ticket') == ticket then return id end
  end
end

-- There are never many: what runs is bounded by the workers, and the sweep ends what nobody can take over.
local function abandoned()
  local seen = 0
  while true do
    local members = call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', seen, PAGE)
    for _, member in ipairs(members) do
      local id = read_lease(member)
      local record = id and load_record(id)
      if record and record.status == 'running' and deadline(record) > now then return record end
    end
    if #members < PAGE then return nil end
    seen = seen + PAGE
  end
end

-- Which user is next, of those who wait in a wanted lane.
local function next_user(totals)
  local owner, turn
  for _, lane in ipairs(lanes) do
    if (totals.lanes[lane] or 0) > 0 then
      local first = call('ZRANGE', lane_key(lane), 0, 0, 'WITHSCORES')
      if first[1] and (not turn or tonumber(first[2]) < turn) then owner, turn = first[1], tonumber(first[2]) end
    end
  end
  return owner
end

-- What this user has waited for the longest.
local function oldest_of(user)
  local oldest, lane, order
  for _, each in ipairs(lanes) do
    if (user.lanes[each] or 0) > 0 then
      local first = call('ZRANGE', waiting_key(user.owner, each), 0, 0, 'WITHSCORES')
      if first[1] and (not order or tonumber(first[2]) < order) then
        oldest, lane, order = first[1], each, tonumber(first[2])
      end
    end
  end
  if not oldest then return nil end
  local id, size = string.match(oldest, '^(%S+) (%S+)$')
  return id, size, lane
end

-- A waiting execution that is still in time. Those that are not give up their places to be swept.
local function next_waiting(totals)
  for _ = 1, PASSED_OVER_MAX do
    local owner = next_user(totals)
    if not owner then return nil end
    local user = load_user(owner)
    local id, size, lane = oldest_of(user)
    if id then
      local record = load_record(id)
      if record and deadline(record) > now then return record, user end
      leave_lane(user, totals, lane, id, size)
      if not record then
        count(user, totals, 'pending', -1)
        count(user, totals, 'bytes', -tonumber(size))
      end
      save_user(user)
    else
      for _, each in ipairs(lanes) do call('ZREM', lane_key(each), owner) end
    end
    save_totals(totals)
  end
end

local function start(record, user, totals)
  leave_state(record, user, totals)
  record.attempt = record.attempt + 1
  if record.status == 'running' then record.takeovers = record.takeovers + 1 end
  record.worker, record.settled = worker, 'none'
  move(record, 'running')
  record.expires = deadline(record) + retention
  user.running = user.running + 1
  user.turn = turn_behind_all(totals)
  hold(record)
  save_record(record, { 'ticket', ticket })
  save_user(user)
  save_totals(totals)
  tell_watchers(record)
  return record.id
end

local function answer(id) return { 'taken', id, call('HGETALL', record_key(id)) } end

if asks_again then
  local id = taken_before()
  if id then return answer(id) end
end
local totals = load_totals()
local record = abandoned()
if record then return answer(start(record, load_user(record.owner), totals)) end
local waiting, user = next_waiting(totals)
if waiting then return answer(start(waiting, user, totals)) end
return { 'nothing' }
