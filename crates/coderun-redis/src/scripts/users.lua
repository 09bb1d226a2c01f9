-- Reads and writes the turn and the counts of each user, and the totals of all users.
--
-- A lane is the queue of users for one language. A user with waiting executions is in the lane of each of their
-- languages, with the same turn in all, unless they are at their limit of running executions.

local function lane_key(lane) return base .. 'lane:' .. lane end
local function waiting_key(owner, lane) return base .. 'user:' .. owner .. ':waiting:' .. lane end

local function read_lanes(text)
  local lanes = {}
  for lane, count in string.gmatch(text, ' ([^ =]+)=(%d+)') do lanes[lane] = tonumber(count) end
  return lanes
end

-- Appends the lanes with waiting executions.
local function write_lanes(text, lanes)
  for lane, count in pairs(lanes) do
    if count > 0 then text = text .. ' ' .. lane .. '=' .. count end
  end
  return text
end

local function load_totals()
  local text = call('GET', base .. 'totals') or '0 0 0 0 0'
  local pending, bytes, order, last_turn, first_turn, lanes = string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%S+)(.*)$')
  return {
    pending = tonumber(pending), bytes = tonumber(bytes), order = tonumber(order), last_turn = tonumber(last_turn),
    first_turn = tonumber(first_turn), lanes = read_lanes(lanes),
  }
end

local function save_totals(totals)
  local text = table.concat({
    digits(totals.pending), digits(totals.bytes), digits(totals.order), digits(totals.last_turn),
    digits(totals.first_turn),
  }, ' ')
  call('SET', base .. 'totals', write_lanes(text, totals.lanes), 'PX', SHARED_TTL)
end

local function turn_behind_all(totals)
  totals.last_turn = totals.last_turn + 1
  return totals.last_turn
end

local function load_user(owner)
  local user = { owner = owner, turn = 0, pending = 0, running = 0, bytes = 0, lanes = {} }
  local text = call('GET', base .. 'user:' .. owner .. ':state')
  if text then
    local turn, pending, running, bytes, lanes = string.match(text, '^(%S+) (%S+) (%S+) (%S+)(.*)$')
    user.turn, user.pending, user.running = tonumber(turn), tonumber(pending), tonumber(running)
    user.bytes, user.lanes = tonumber(bytes), read_lanes(lanes)
  end
  user.was_full = user.running >= running_max
  return user
end

-- Stores a user, and adds them to the lanes in which they can be served. Returns whether they are in any.
local function save_user(user)
  local key, is_in_lane, waits = base .. 'user:' .. user.owner .. ':state', false, false
  for lane, count in pairs(user.lanes) do
    waits = waits or count > 0
    if count > 0 and user.running < running_max then
      is_in_lane = true
      put(lane_key(lane), user.turn, user.owner)
    else
      call('ZREM', lane_key(lane), user.owner)
    end
  end
  if waits or user.pending > 0 or user.running > 0 then
    local text = table.concat({ digits(user.turn), user.pending, user.running, digits(user.bytes) }, ' ')
    call('SET', key, write_lanes(text, user.lanes), 'PX', SHARED_TTL)
  else
    call('DEL', key)
  end
  return is_in_lane
end

-- Adds to a count of a user and of all users. After a lost record a count may be too low, but never negative.
local function count(user, totals, name, amount)
  user[name] = math.max(user[name] + amount, 0)
  totals[name] = math.max(totals[name] + amount, 0)
end

local function count_lane(lanes, lane, amount) lanes[lane] = math.max((lanes[lane] or 0) + amount, 0) end

-- The member includes the size, so that the counts can be corrected even if the record is lost.
local function wait_in_lane(user, totals, record)
  put(waiting_key(user.owner, record.lane), record.order, record.id .. ' ' .. record.size)
  count_lane(user.lanes, record.lane, 1)
  count_lane(totals.lanes, record.lane, 1)
end

-- Removes an execution from a lane, and returns whether it was there.
local function leave_lane(user, totals, lane, id, size)
  if call('ZREM', waiting_key(user.owner, lane), id .. ' ' .. size) == 0 then return false end
  count_lane(user.lanes, lane, -1)
  count_lane(totals.lanes, lane, -1)
  return true
end

local function announce_work() call('PUBLISH', prefix .. 'signals', 'work') end
