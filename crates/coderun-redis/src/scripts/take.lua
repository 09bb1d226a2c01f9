-- Leases executions to a worker: first those whose lease has run out, then waiting ones.

-- The bound on how many leases that cannot be taken over, and how many overdue and lost executions one take passes over.
local PASSED_OVER_MAX = 100

-- How long a repetition finds what the first call took, longer than any caller waits.
local TAKEN_MS = 60000

-- The number of values of an execution in what a take returns: its id, its live value, and its record.
local TAKEN_VALUES = 3

-- Stores what a call of a worker took, for a repetition.
local function save_taken(worker, token, taken)
  local ids = {}
  for i = 1, #taken, TAKEN_VALUES do ids[#ids + 1] = taken[i] end
  call('SET', key_of('k', worker), encode({ token, ids }), 'PX', TAKEN_MS)
end

local function read_taken(value, token)
  local taken = cmsgpack.unpack(value)
  return taken[1] == token and table.concat(taken[2], ' ') and taken[2]
end

-- What this token has taken before, if the reply to the first attempt was lost.
local function taken_before(worker, token)
  local taken = {}
  for _, id in ipairs(decode(call('GET', key_of('k', worker)), read_taken, token) or {}) do
    local record = load_record(id)
    if record and record.worker == worker and record.token == token and record.status == 'running'
      and not finals.complete_end(record) then
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
  totals.repeated[name], totals.is_changed = now + TAKEN_MS * 1000, true
  return false
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
      and not is_last_attempt(record) and not finals.complete_end(record) then
      return record, after + 1
    end
  end
end

local function take_over(record, worker, token)
  stream.begin(record)
  local user = load_user(record.owner)
  record.takeovers = record.takeovers + 1
  count(user, 'running', -1)
  start(record, user, worker, token)
  list_user(user)
  stream.extend_life(record)
  -- The process of the last worker takes it for the runner still.
  signal('changed ' .. record.id)
end

-- The next user who waits in one of these lanes, and whether they run less than this. Reads `page` users at a time.
local function next_owner(lanes, below, page)
  local owner, turn
  for _, lane in ipairs(lanes) do
    local first, its_turn = first_in_lane(lane, page)
    if first and (not turn or its_turn < turn) then owner, turn = first, its_turn end
  end
  return owner, owner and turn < below * RUNNING_STEP
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
    local _, id = first_in_queue(load_queue(user, lane))
    local record = id and load_record(id)
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
    set_turn(lane, user, false)
  end
end

-- Removes what is left of a waiting execution whose record is lost.
local function forget_waiting(user, member, lane)
  local id, size = string.match(member, '^(%S+) (%d+)$')
  scores.waits[table.concat({ id, user.owner, lane, size }, ' ')] = false
  count(user, 'pending', -1)
  count(user, 'bytes', -tonumber(size))
  drop_record({ id = id })
end

-- The oldest waiting execution of a user in these lanes, which leaves its queue, and its record. Nil if it is lost, overdue or
-- does not wait: the sweep ends overdue ones.
local function pop(user, lanes)
  local lane = oldest_lane(user, lanes)
  local queue = lane and load_queue(user, lane)
  if not queue then return forget_lanes(user, lanes) end
  local member, id = first_in_queue(queue)
  if not member then return forget_lanes(user, lanes) end
  local record = id and load_record(id)
  local can_start = record and record.status == 'pending' and deadline(record) > now
  local stored = can_start and stored_record(record)
  remove_first(queue)
  if not id then return nil end
  count_waiting(user, lane, -1)
  if record and not can_start then return nil end
  if not stored then return forget_waiting(user, member, lane) end
  scores.waits[index_member(record)] = false
  count(user, 'pending', -1)
  return record, stored
end

-- The bound on how much one take reads ahead.
local READ_AHEAD_MAX = 256

-- The owners of the next users in these lanes, at most so many.
local function next_owners(lanes, at_most)
  local owners, is_known = {}, {}
  for _, lane in ipairs(lanes) do
    if first_in_lane(lane, at_most) then
      local read = load_lane(lane)
      for i = read.first, #read.owners do
        local owner = read.owners[i]
        if not is_known[owner] and #owners < at_most then owners[#owners + 1] = owner end
        is_known[owner] = true
      end
    end
  end
  return owners
end

-- Loads the executions at the front of the queues of a user, at most so many of each.
local function read_queues(user, lanes, at_most, ids)
  for _, lane in ipairs(lanes_of(user, lanes)) do
    local queue = load_queue(user, lane)
    if queue.first > #queue.read then read_queue(queue, math.min(user.lanes[lane], at_most)) end
    for i = queue.first, #queue.read do
      local id = queue.ids[i]
      if id and records[id] == nil then ids[#ids + 1] = id end
    end
  end
end

-- Reads what the next turns are likely to need with one command for all users, all executions and all records. What is missing
-- is read later.
local function read_ahead(lanes, at_most)
  local owners = next_owners(lanes, at_most)
  local unknown, ids, keys, read = {}, {}, {}, {}
  for _, owner in ipairs(owners) do
    if not users[owner] then unknown[#unknown + 1] = owner end
  end
  load_users(unknown)
  for _, owner in ipairs(owners) do
    if #ids < at_most then read_queues(users[owner], lanes, math.ceil(at_most / #owners), ids) end
  end
  load_records(ids)
  for _, id in ipairs(ids) do
    local record = records[id]
    if record and record.status == 'pending' and not record.is_large then
      keys[#keys + 1], read[#read + 1] = key_of('e', id), id
    end
  end
  if #keys == 0 then return end
  -- Nothing is also what `MGET` says of a wrong type, which `GET` refuses.
  for i, stored in ipairs(call('MGET', unpack(keys))) do stored_records[read[i]] = stored or nil end
end

-- Adds an execution to what a take returns: its id, its live value, and its record, which is empty if it is large.
local function add_taken(taken, record, stored)
  if not stored then stored = not record.is_large and call('GET', key_of('e', record.id)) or '' end
  local last = #taken
  taken[last + 1], taken[last + 2], taken[last + 3] = record.id, to_value(record), stored
end

-- Header: worker, token, whether it is a repetition, the most executions, lanes, whether it takes over what has lost its
-- worker, and what a user runs for whom it takes no more, or nil. Its list has one more value if such a user is next.
function steps.take(header)
  local worker, token, is_repeated, at_most, lanes, takes_over, below = unpack(header, 4, 10)
  below = below or math.huge
  local taken, is_wanted, used_lanes = {}, {}, {}
  load_totals()
  if is_late(worker, token, is_repeated) then return taken end
  if is_repeated then
    for _, record in ipairs(taken_before(worker, token)) do add_taken(taken, record) end
    if #taken > 0 then return taken end
  end
  for _, lane in ipairs(lanes) do
    is_wanted[lane] = true
    if totals.lanes[lane] then used_lanes[#used_lanes + 1] = lane end
  end
  local values_max = at_most * TAKEN_VALUES
  local record, place = nil, 1
  while takes_over and #taken < values_max do
    record, place = next_expired(place, is_wanted)
    if not record then break end
    take_over(record, worker, token)
    add_taken(taken, record)
  end
  local page = math.min(at_most - #taken / TAKEN_VALUES, READ_AHEAD_MAX)
  local owner, is_below = nil, true
  if page > 0 then owner, is_below = next_owner(used_lanes, below, page) end
  if owner and is_below then read_ahead(used_lanes, page) end
  local passed_over = 0
  while owner and is_below and #taken < values_max and passed_over < PASSED_OVER_MAX do
    local user, stored = load_user(owner), nil
    record = nil
    -- A process with another bound may have listed the user.
    if user.running < running_max then record, stored = pop(user, used_lanes) end
    if record then
      start(record, user, worker, token)
      add_taken(taken, record, stored)
    else
      passed_over = passed_over + 1
    end
    list_user(user)
    if #taken < values_max then owner, is_below = next_owner(used_lanes, below, 1) end
  end
  if #taken > 0 then save_taken(worker, token, taken) end
  if owner and not is_below then taken[#taken + 1] = 'more' end
  return taken
end
