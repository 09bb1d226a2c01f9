-- Reads what waits, as the steps before in this group have left it: the users in lanes, and the executions in their queues.
--
-- What a step adds or removes is written at the end of the group, so all that several takes need is read with few commands.

-- Lanes

-- What was read of each lane: owners and turns in their order, and the place of the first that no step has passed.
local lanes_read = {}

local function load_lane(lane)
  local read = lanes_read[lane]
  if not read then
    read = { owners = {}, turns = {}, first = 1, is_whole = false }
    lanes_read[lane] = read
  end
  return read
end

-- Reads so many more users of a lane.
local function read_lane(lane, read, count)
  local known = #read.owners
  local page = call('ZRANGE', key_of('lane', lane), known, known + count - 1, 'WITHSCORES')
  for i = 1, #page, 2 do
    known = known + 1
    read.owners[known], read.turns[known] = page[i], tonumber(page[i + 1])
  end
  read.is_whole = #page < 2 * count
end

-- The user with the lowest turn in a lane, and the turn; nil if there is none. Reads `page` users at a time.
local function first_in_lane(lane, page)
  local read, changed = load_lane(lane), changed_lanes[lane] or {}
  local owner
  repeat
    if read.first > #read.owners and not read.is_whole then read_lane(lane, read, page) end
    owner = read.owners[read.first]
    local is_changed = owner and changed[owner] ~= nil
    if is_changed then read.first = read.first + 1 end
  until not is_changed
  local turn = owner and read.turns[read.first]
  for other, new_turn in pairs(changed) do
    if new_turn and (not turn or new_turn < turn) then owner, turn = other, new_turn end
  end
  return owner, turn
end

-- Queues

-- The queue of a user in a lane: the members that were read and those that steps of this group add behind all others, each
-- with the place of the first that no step has removed.
local function load_queue(user, lane)
  local queues = user.queues or {}
  user.queues = queues
  local queue = queues[lane]
  if not queue then
    queue = { key = key_of('q', user.owner .. ':' .. lane), read = {}, ids = {}, first = 1, is_whole = false, added = {}, first_added = 1 }
    queues[lane] = queue
  end
  return queue
end

writers[#writers + 1] = function()
  for _, user in pairs(users) do
    for _, queue in pairs(user and user.queues or {}) do
      if queue.first > 1 then call('LPOP', queue.key, queue.first - 1) end
      if queue.added[queue.first_added] then
        call('RPUSH', queue.key, unpack(queue.added, queue.first_added))
        call('PEXPIRE', queue.key, SHARED_TTL)
      end
    end
  end
end

-- Records

-- The records of waiting executions, as far as they were read.
local stored_records = {}

-- Expired leases

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
