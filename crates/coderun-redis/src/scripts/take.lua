-- Leases the next execution to a worker: first one whose lease has run out, else one that waits.

local worker, ticket, asks_again = ARGV[OWN], ARGV[OWN + 1], ARGV[OWN + 2] == '1'
local lanes = {}
for i = OWN + 3, #ARGV do lanes[#lanes + 1] = VERSION .. ':' .. ARGV[i] end
-- What is overdue or lost is passed over, but not without end.
local PASSED_OVER_MAX = 100

-- The reply to the same call may have been lost: what it took is found by its ticket.
local function taken_before()
  for _, lane in ipairs(lanes) do
    for _, id in ipairs(redis.call('ZRANGE', leases_key(lane), 0, -1)) do
      if redis.call('HGET', record_key(id), 'ticket') == ticket then return load_record(id) end
    end
  end
end

local function abandoned()
  for _, lane in ipairs(lanes) do
    for _ = 1, PASSED_OVER_MAX do
      local id = redis.call('ZRANGEBYSCORE', leases_key(lane), '-inf', now, 'LIMIT', 0, 1)[1]
      if not id then break end
      local record = load_record(id)
      if record and record.status == 'running' and deadline(record) > now then return record end
      redis.call('ZREM', leases_key(lane), id)
    end
  end
end

-- Which user is next, and in which of the lanes they have waited the longest.
local function next_user()
  local owner, turn
  for _, lane in ipairs(lanes) do
    local first = redis.call('ZRANGE', lane_key(lane), 0, 0, 'WITHSCORES')
    if first[1] and (not turn or tonumber(first[2]) < turn) then owner, turn = first[1], tonumber(first[2]) end
  end
  return owner
end

local function oldest_of(owner)
  local id, lane, order
  for _, each in ipairs(lanes) do
    local first = redis.call('ZRANGE', waiting_key(owner, each), 0, 0, 'WITHSCORES')
    if first[1] and (not order or tonumber(first[2]) < order) then
      id, lane, order = first[1], each, tonumber(first[2])
    end
  end
  return id, lane
end

-- A waiting execution that is still in time. Those that are not give up their places to be swept.
local function next_waiting()
  for _ = 1, PASSED_OVER_MAX do
    local owner = next_user()
    if not owner then return nil end
    local user = load_user(owner)
    local id, lane = oldest_of(owner)
    if not id then
      for _, each in ipairs(lanes) do redis.call('ZREM', lane_key(each), owner) end
    else
      local record = load_record(id)
      if record and deadline(record) > now then return record, user end
      leave_lane(user, lane, id)
      if not record then count(user, 'pending', -1) end
      save_user(user)
    end
  end
end

local function start(record, user)
  leave_state(record, user)
  move(record, 'running')
  record.attempt = record.attempt + 1
  record.worker, record.started, record.settled = worker, record.updated, ''
  record.expires = deadline(record) + retention
  user.running = user.running + 1
  user.turn = add_to_total('last_turn', 1)
  hold(record)
  redis.call('HSET', record_key(record.id), 'ticket', ticket)
  store_update(record)
  save_record(record)
  save_user(user)
  return { 'taken', record.id, whole(record) }
end

if asks_again then
  local record = taken_before()
  if record then return { 'taken', record.id, whole(record) } end
end
local record = abandoned()
if record then return start(record, load_user(record.owner)) end
local waiting, user = next_waiting()
if waiting then return start(waiting, user) end
return { 'nothing' }
