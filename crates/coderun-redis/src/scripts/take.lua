-- Leases the next execution to a worker: first one whose lease has run out, otherwise a waiting one.

local worker, take_id, is_repeated = ARGV[OWN], ARGV[OWN + 1], ARGV[OWN + 2] == '1'
local lanes, is_wanted = {}, {}
for i = OWN + 3, #ARGV do
  local lane = VERSION .. ':' .. ARGV[i]
  lanes[#lanes + 1] = lane
  is_wanted[lane] = true
end
-- The bound on how many overdue and lost executions one take passes over.
local PASSED_OVER_MAX = 100
local PAGE = 16

local function read_lease(member)
  local lane, id = string.match(member, '^(%S+) (%S+)$')
  return is_wanted[lane] and id
end

-- Finds what the first attempt of this take has leased, by the take id that is stored in the field `ticket`.
local function taken_before()
  for _, member in ipairs(call('ZRANGE', LEASES, 0, -1)) do
    local id = read_lease(member)
    if id and call('HGET', record_key(id), 'ticket') == take_id then return id end
  end
end

-- A running execution whose lease has run out. There are never many: the number of workers bounds the running ones, and
-- the sweep ends those that no worker may take over.
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

-- The next user of the wanted lanes.
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

-- The oldest waiting execution of this user in the wanted lanes.
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

-- The next waiting execution before its deadline. Others leave their lanes, and the sweep ends them.
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
  extend_lease(record)
  save_record(record, { 'ticket', take_id })
  save_user(user)
  save_totals(totals)
  publish_event(record)
  return record.id
end

local function reply(id) return { 'taken', id, call('HGETALL', record_key(id)) } end

if is_repeated then
  local id = taken_before()
  if id then return reply(id) end
end
local totals = load_totals()
local record = abandoned()
if record then return reply(start(record, load_user(record.owner), totals)) end
local waiting, user = next_waiting(totals)
if waiting then return reply(start(waiting, user, totals)) end
return { 'nothing' }
