-- Users and all of them together: whose turn it is, and how much waits and runs.
--
-- A user who waits stands, with one turn, in the lane of every language that they wait for, unless as many of theirs run
-- as may.

local function lane_key(lane) return base .. 'lane:' .. lane end
local function waiting_key(owner, lane) return base .. 'user:' .. owner .. ':waiting:' .. lane end

local function read_lanes(text)
  local lanes = {}
  for lane, count in string.gmatch(text, ' ([^ =]+)=(%d+)') do lanes[lane] = tonumber(count) end
  return lanes
end

-- Appends those lanes in which somebody waits.
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

-- Stores a user and puts them into the lanes where they can be served; answers whether they stand in any.
local function save_user(user)
  local key, stands, waits = base .. 'user:' .. user.owner .. ':state', false, false
  for lane, count in pairs(user.lanes) do
    waits = waits or count > 0
    if count > 0 and user.running < running_max then
      stands = true
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
  return stands
end

-- Counts what a user and all users have; a count that lost a record may come out too low, but never below nothing.
local function count(user, totals, name, amount)
  user[name] = math.max(user[name] + amount, 0)
  totals[name] = math.max(totals[name] + amount, 0)
end

local function count_lane(lanes, lane, amount) lanes[lane] = math.max((lanes[lane] or 0) + amount, 0) end

-- What waits in a lane says how large it is, so that it can be counted off though its record is lost.
local function wait_in_lane(user, totals, record)
  put(waiting_key(user.owner, record.lane), record.order, record.id .. ' ' .. record.size)
  count_lane(user.lanes, record.lane, 1)
  count_lane(totals.lanes, record.lane, 1)
end

-- Answers whether it waited there.
local function leave_lane(user, totals, lane, id, size)
  if call('ZREM', waiting_key(user.owner, lane), id .. ' ' .. size) == 0 then return false end
  count_lane(user.lanes, lane, -1)
  count_lane(totals.lanes, lane, -1)
  return true
end

local function announce_work() call('PUBLISH', prefix .. 'signals', 'work') end
