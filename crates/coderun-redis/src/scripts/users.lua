-- Counts what users have, and lists them with their turns.

-- The parts of a member of `leases` and `waits`: execution, owner, lane, size.
local MEMBER = '^(%S+) (%S+) (%S+) (%d+)$'

-- A lane is the queue of users for one language. `lanes` counts what waits in each, `turns` holds the turn with which the
-- user is listed in it.
local function read_user(value)
  local turn, pending, running, bytes, lanes, turns = unpack(cmsgpack.unpack(value))
  local is_valid = turn > -math.huge and pending >= 0 and running >= 0 and bytes >= 0 and are_counts(lanes)
    and are_counts(turns)
  return is_valid and {
    turn = turn, pending = pending, running = running, bytes = bytes, lanes = lanes, turns = turns,
  }
end

local function to_user(owner, value)
  local user = decode(value, read_user) or { turn = 0, pending = 0, running = 0, bytes = 0, lanes = {}, turns = {} }
  user.owner = owner
  users[owner] = user
  return user
end

local function load_user(owner) return users[owner] or to_user(owner, call('HGET', USERS, owner)) end

-- Loads users with one command.
local function load_users(owners)
  if #owners == 0 then return end
  for i, value in ipairs(call('HMGET', USERS, unpack(owners))) do to_user(owners[i], value) end
end

local function read_totals(value)
  local pending, bytes, running, order, last_turn, first_turn, renewed, lanes, repeated = unpack(cmsgpack.unpack(value))
  local is_valid = pending >= 0 and bytes >= 0 and running >= 0 and order >= 0 and last_turn >= 0 and first_turn <= 0
    and renewed >= 0 and are_counts(lanes) and are_counts(repeated)
  return is_valid and {
    pending = pending, bytes = bytes, running = running, order = order, last_turn = last_turn, first_turn = first_turn,
    renewed = renewed, lanes = lanes, repeated = repeated,
  }
end

-- Counts at most this many members of each index for lost totals; the audit corrects them.
local RECOUNTED_MAX = 1000

-- Counts what waits and runs, up to this index. Without totals an offer would pass over what waits, and no take would find it.
local function count_totals(last)
  local counted = {
    pending = 0, bytes = 0, running = 0, order = 0, last_turn = 0, first_turn = 0, renewed = 0, lanes = {}, repeated = {},
  }
  for name, index in pairs({ pending = 'waits', running = 'leases' }) do
    for _, member in ipairs(call('ZRANGE', base .. index, 0, last)) do
      local _, _, lane, size = string.match(member, MEMBER)
      if lane then
        counted[name], counted.bytes = counted[name] + 1, counted.bytes + tonumber(size)
        if name == 'pending' then counted.lanes[lane] = (counted.lanes[lane] or 0) + 1 end
      end
    end
  end
  return counted
end

-- Loads the totals. They are stored if those of a user are, which add up to them, or if `is_changed`.
local function load_totals()
  if not totals then
    totals = decode(call('GET', TOTALS), read_totals) or count_totals(RECOUNTED_MAX - 1)
    totals.had_pending, totals.had_running = totals.pending > 0, totals.running > 0
  end
  return totals
end

local function turn_behind_all()
  totals.last_turn = totals.last_turn + 1
  return totals.last_turn
end

-- Adds to a count of a user and of all users. After a lost record a count may be too low, but never negative.
local function count(user, name, amount)
  if not totals then load_totals() end
  local sum, all = user[name] + amount, totals[name] + amount
  user[name], totals[name] = sum > 0 and sum or 0, all > 0 and all or 0
  changed_users[user.owner] = true
end

local function count_waiting(user, lane, amount)
  local lanes, all = user.lanes, totals.lanes
  local sum = (all[lane] or 0) + amount
  lanes[lane], all[lane] = math.max((lanes[lane] or 0) + amount, 0), sum > 0 and sum or nil
  changed_users[user.owner] = true
end

-- Users are listed by what they run, and by their turns among those who run as much: a step is larger than any turn. One who
-- was brought forward has a negative turn, which is before all others.
local RUNNING_STEP, RUNNING_STEPS_MAX = 2 ^ 40, 4095

local function place_of(user)
  if user.turn < 0 then return user.turn end
  return math.min(user.running, RUNNING_STEPS_MAX) * RUNNING_STEP + user.turn
end

-- Lists a user in a lane with this place, or not (`false`).
local function set_turn(lane, user, turn)
  local changed = changed_lanes[lane] or {}
  changed_lanes[lane] = changed
  changed[user.owner] = turn
  user.turns[lane] = turn or nil
end

-- Lists a user with their place in each lane in which something waits, or in none while they are at their limit of running
-- executions. Called after each change of the lanes, the turn or the running executions of a user.
local function list_user(user)
  local can_be_served = user.running < running_max
  for lane, waiting in pairs(user.lanes) do
    local turn = waiting > 0 and can_be_served and place_of(user)
    if (user.turns[lane] or false) ~= turn then set_turn(lane, user, turn) end
    if waiting == 0 then user.lanes[lane] = nil end
  end
  changed_users[user.owner] = true
end
