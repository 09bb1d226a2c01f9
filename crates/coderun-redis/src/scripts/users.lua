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

local function load_user(owner)
  local user = users[owner]
  if user == nil then user = decode(call('HGET', USERS, owner), read_user) end
  user = user or { turn = 0, pending = 0, running = 0, bytes = 0, lanes = {}, turns = {} }
  user.owner = owner
  users[owner] = user
  return user
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

local function load_totals()
  if not totals then
    totals = decode(call('GET', TOTALS), read_totals) or count_totals(RECOUNTED_MAX - 1)
    totals.had_pending, totals.had_running = totals.pending > 0, totals.running > 0
  end
  return totals
end

local function save_user(user) changed_users[user.owner] = true end

-- The totals of a step that changes them. Those that were only read are not written.
local function change_totals()
  load_totals().is_changed = true
  return totals
end

local function turn_behind_all()
  change_totals().last_turn = totals.last_turn + 1
  return totals.last_turn
end

-- Adds to a count of a user and of all users. After a lost record a count may be too low, but never negative.
local function count(user, name, amount)
  user[name] = math.max(user[name] + amount, 0)
  change_totals()[name] = math.max(totals[name] + amount, 0)
  save_user(user)
end

local function count_waiting(user, lane, amount)
  user.lanes[lane] = math.max((user.lanes[lane] or 0) + amount, 0)
  local sum = (change_totals().lanes[lane] or 0) + amount
  totals.lanes[lane] = sum > 0 and sum or nil
  save_user(user)
end

-- Lists a user with their turn in each lane in which something waits, or in none while they are at their limit of running
-- executions. Called after each change of the lanes, the turn or the running executions of a user. Announces work when the
-- user is new in a lane: a worker that found nothing has found the lane empty.
local function list_user(user)
  local can_be_served = user.running < running_max
  for lane, waiting in pairs(user.lanes) do
    local listed = user.turns[lane]
    if waiting > 0 and can_be_served then
      if listed ~= user.turn then
        if call('ZADD', lane_key(lane), user.turn, user.owner) == 1 then
          call('PEXPIRE', lane_key(lane), SHARED_TTL)
          has_new_work = true
        end
        user.turns[lane] = user.turn
      end
    elseif listed then
      call('ZREM', lane_key(lane), user.owner)
      user.turns[lane] = nil
    end
    if waiting == 0 then user.lanes[lane] = nil end
  end
  save_user(user)
end
