-- Leases executions to a worker: first those whose lease has run out, then waiting ones.

-- The bound on how many leases that cannot be taken over, and how many overdue and lost executions one take passes over.
local PASSED_OVER_MAX = 100

-- How long a repetition finds what the first call took, longer than any caller waits.
local TAKEN_MS = 60000

-- Stores what a call of a worker took, for a repetition.
local function save_taken(worker, token, taken)
  local ids = {}
  for i, answered in ipairs(taken) do ids[i] = answered[1] end
  call('SET', taken_key(worker), encode({ token, ids }), 'PX', TAKEN_MS)
end

local function read_taken(value, token)
  local taken = cmsgpack.unpack(value)
  return taken[1] == token and table.concat(taken[2], ' ') and taken[2]
end

-- What this token has taken before, if the reply to the first attempt was lost.
local function taken_before(worker, token)
  local taken = {}
  for _, id in ipairs(decode(call('GET', taken_key(worker)), read_taken, token) or {}) do
    local record = load_record(id)
    if record and record.worker == worker and record.token == token and record.status == 'running'
      and not complete_end(record) then
      taken[#taken + 1] = record
    end
  end
  return taken
end

-- Whether this call comes after a repetition of it, so that nobody waits for its answer.
local function is_late(worker, token, is_repeated)
  if not is_repeated and next(totals.repeated) == nil then return false end
  local name = worker .. ' ' .. digits(token)
  if not is_repeated then return totals.repeated[name] ~= nil end
  change_totals().repeated[name] = now + TAKEN_MS * 1000
  return false
end

-- The number of expired leases that are read at once.
local EXPIRED_PAGE = 16

-- The members of the leases that had run out before this group, as far as a step has looked at them.
local expired, has_more_expired = {}, true

local function expired_lease(place)
  if place > #expired and has_more_expired then
    local page = call('ZRANGEBYSCORE', base .. 'leases', '-inf', now, 'LIMIT', #expired, EXPIRED_PAGE)
    for _, member in ipairs(page) do expired[#expired + 1] = member end
    has_more_expired = #page == EXPIRED_PAGE
  end
  return expired[place]
end

-- The next running execution from a place among those whose lease has run out, and the place after it. The sweep ends those
-- that no worker may take over.
local function next_expired(place, is_wanted)
  for after = place, place + PASSED_OVER_MAX do
    local member = expired_lease(after)
    if not member then break end
    local id, lane = string.match(member, '^(%S+) %S+ (%S+)')
    local record = is_wanted[lane] and load_record(id)
    if record and record.status == 'running' and scores.leases[member] == nil and deadline(record) > now
      and not is_last_attempt(record) and not complete_end(record) then
      return record, after + 1
    end
  end
end

local function take_over(record, worker, token)
  stream_events(record)
  local user = load_user(record.owner)
  record.takeovers = record.takeovers + 1
  count(user, 'running', -1)
  start(record, user, worker, token)
  list_user(user)
  extend_life(record)
  -- The process of the last worker takes it for the runner still.
  signal('changed ' .. record.id)
end

-- The next user who waits in one of these lanes.
local function next_user(lanes)
  local owner, turn
  for _, lane in ipairs(lanes) do
    if totals.lanes[lane] then
      local first = call('ZRANGE', lane_key(lane), 0, 0, 'WITHSCORES')
      if first[1] and (not turn or tonumber(first[2]) < turn) then owner, turn = first[1], tonumber(first[2]) end
    end
  end
  return owner and load_user(owner)
end

-- Those of the lanes in which something of a user waits.
local function lanes_of(user, lanes)
  local own = {}
  for _, lane in ipairs(lanes) do
    if (user.lanes[lane] or 0) > 0 then own[#own + 1] = lane end
  end
  return own
end

-- The lane of these with the oldest waiting execution of a user.
local function oldest_lane(user, lanes)
  local own, oldest, order = lanes_of(user, lanes), nil, nil
  if #own <= 1 then return own[1] end
  for _, lane in ipairs(own) do
    local member = call('LINDEX', queue_key(user.owner, lane), 0)
    local record = member and load_record(string.match(member, '^%S+'))
    -- A lost record goes first: it only has to be removed.
    local place = record and record.order or 0
    if not order or place < order then oldest, order = lane, place end
  end
  return oldest
end

-- Corrects the counts of a user in whose lane nothing waits.
local function forget_lanes(user, lanes)
  for _, lane in ipairs(lanes) do
    if user.lanes[lane] then count_waiting(user, lane, -user.lanes[lane]) end
    call('ZREM', lane_key(lane), user.owner)
    user.turns[lane] = nil
  end
end

-- Removes what is left of a waiting execution whose record is lost.
local function forget_waiting(user, id, size, lane)
  scores.waits[table.concat({ id, user.owner, lane, size }, ' ')] = false
  count(user, 'pending', -1)
  count(user, 'bytes', -tonumber(size))
  drop_record({ id = id })
end

-- The oldest waiting execution of a user in these lanes, which leaves its queue, and its record, or `false` where that is
-- large. Nil if it is lost, overdue or does not wait: the sweep ends overdue ones. It leaves the queue when all is read: on a
-- Cluster a read may fail.
local function pop(user, lanes)
  local lane = oldest_lane(user, lanes)
  local queue = lane and queue_key(user.owner, lane)
  local member = queue and call('LINDEX', queue, 0)
  if not member then return forget_lanes(user, lanes) end
  local id, size = string.match(member, '^(%S+) (%d+)$')
  local record, key = id and load_record(id), id and record_key(id)
  local can_start = record and record.status == 'pending' and deadline(record) > now
  local stored = can_start and (record.is_large and call('EXISTS', key) == 1 and '' or call('GET', key))
  call('LPOP', queue)
  if not id then return nil end
  count_waiting(user, lane, -1)
  if record and not can_start then return nil end
  if not stored then return forget_waiting(user, id, size, lane) end
  scores.waits[index_member(record)] = false
  count(user, 'pending', -1)
  return record, stored
end

local function answer(record, stored)
  if not stored then stored = not record.is_large and call('GET', record_key(record.id)) or '' end
  return { record.id, to_value(record), stored }
end

-- Header: worker, token, whether it is a repetition, the most executions, lanes.
function steps.take(header)
  local worker, token, is_repeated, at_most, lanes = unpack(header, 4, 8)
  local taken, is_wanted = {}, {}
  load_totals()
  if is_late(worker, token, is_repeated) then return taken end
  if is_repeated then
    for _, record in ipairs(taken_before(worker, token)) do taken[#taken + 1] = answer(record) end
    if #taken > 0 then return taken end
  end
  for _, lane in ipairs(lanes) do is_wanted[lane] = true end
  local record, place = nil, 1
  while #taken < at_most do
    record, place = next_expired(place, is_wanted)
    if not record then break end
    take_over(record, worker, token)
    taken[#taken + 1] = answer(record)
  end
  local passed_over = 0
  while #taken < at_most and passed_over < PASSED_OVER_MAX do
    local user = next_user(lanes)
    if not user then break end
    local record, stored = pop(user, lanes)
    if record then
      start(record, user, worker, token)
      taken[#taken + 1] = answer(record, stored)
    else
      passed_over = passed_over + 1
    end
    list_user(user)
  end
  if #taken > 0 then save_taken(worker, token, taken) end
  return taken
end
