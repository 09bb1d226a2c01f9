-- Every step begins with this: what it was called with, and the words in which steps are written.
--
-- All keys of a step lie in one slot: their names begin with `base`, which holds the hash tag of a partition. Times are
-- microseconds since 1970. A step runs alone, so it reads, decides and writes as if nobody else were there.

local VERSION = '1'
-- Redis deletes a record by itself only this long after a sweep should have done so.
local SWEEP_MARGIN = 600 * 1000000
local DAY = 86400 * 1000000

local base, prefix = ARGV[1], ARGV[2]
local now, retention, queue_deadline = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local lease_time, run_grace = tonumber(ARGV[6]), tonumber(ARGV[7])
local attempts_max, running_max = tonumber(ARGV[8]), tonumber(ARGV[9])
-- The arguments of the step itself begin here.
local OWN = 10

local TIMETABLE, TOTALS = base .. 'timetable', base .. 'totals'
-- Keys that many executions share outlive each of them.
local SHARED_TTL = math.ceil((retention + queue_deadline + DAY + SWEEP_MARGIN) / 1000)

local function record_key(id) return base .. 'execution:' .. id end
local function events_key(id) return base .. 'events:' .. id end
local function lane_key(lane) return base .. 'lane:' .. lane end
local function leases_key(lane) return base .. 'leases:' .. lane end
local function user_key(owner, name) return base .. 'user:' .. owner .. ':' .. name end
local function waiting_key(owner, lane) return user_key(owner, 'waiting:' .. lane) end

-- Lua prints large numbers in scientific notation.
local function digits(number) return string.format('%.0f', number) end

local function put(key, score, member)
  redis.call('ZADD', key, score, member)
  redis.call('PEXPIRE', key, SHARED_TTL)
end

local function add_to_total(name, amount)
  local total = redis.call('HINCRBY', TOTALS, name, amount)
  redis.call('PEXPIRE', TOTALS, SHARED_TTL)
  return total
end

local function announce_work() redis.call('PUBLISH', prefix .. 'signals', 'work') end

-- Users: their turn, how much of theirs waits and runs, and how many of them wait in each lane.

local function load_user(owner)
  local user = { owner = owner, turn = 0, pending = 0, running = 0, bytes = 0, lanes = {} }
  local state = redis.call('HGETALL', user_key(owner, 'state'))
  for i = 1, #state, 2 do
    local lane = string.match(state[i], '^lane:(.*)$')
    if lane then user.lanes[lane] = tonumber(state[i + 1]) else user[state[i]] = tonumber(state[i + 1]) end
  end
  user.was_full = user.running >= running_max
  return user
end

-- Stores a user and puts them into the lanes where they can be served; answers whether they stand in any.
local function save_user(user)
  local key, stands, waits = user_key(user.owner, 'state'), false, false
  local state = { 'turn', user.turn, 'pending', user.pending, 'running', user.running, 'bytes', user.bytes }
  for lane, count in pairs(user.lanes) do
    if count > 0 then
      waits = true
      state[#state + 1] = 'lane:' .. lane
      state[#state + 1] = count
    else
      redis.call('HDEL', key, 'lane:' .. lane)
    end
    if count > 0 and user.running < running_max then
      stands = true
      put(lane_key(lane), user.turn, user.owner)
    else
      redis.call('ZREM', lane_key(lane), user.owner)
    end
  end
  if waits or user.pending > 0 or user.running > 0 then
    redis.call('HSET', key, unpack(state))
    redis.call('PEXPIRE', key, SHARED_TTL)
  else
    redis.call('DEL', key)
  end
  return stands
end

local function wait_in_lane(user, lane, id, order)
  put(waiting_key(user.owner, lane), order, id)
  user.lanes[lane] = (user.lanes[lane] or 0) + 1
end

local function leave_lane(user, lane, id)
  if redis.call('ZREM', waiting_key(user.owner, lane), id) == 0 then return false end
  user.lanes[lane] = (user.lanes[lane] or 1) - 1
  return true
end

-- Counts what a user and all users have; a count that lost a record may come out too low, but never below nothing.
local function count(user, name, amount)
  user[name] = math.max(user[name] + amount, 0)
  if add_to_total(name, amount) < 0 then redis.call('HSET', TOTALS, name, 0) end
end

-- Records: what changes of an execution. Code, input and output are fields of the same hash that no step reads.

local FIELDS = {
  'version', 'owner', 'language', 'size', 'budget', 'order', 'created', 'status', 'attempt', 'sequence', 'updated',
  'worker', 'started', 'cancel', 'settled', 'expires',
}
local NUMBERS = { 'size', 'budget', 'order', 'created', 'attempt', 'sequence', 'updated', 'started', 'expires' }

local function load_record(id)
  local values = redis.call('HMGET', record_key(id), unpack(FIELDS))
  if not values[1] then return nil end
  local record = { id = id }
  for i, field in ipairs(FIELDS) do record[field] = values[i] end
  for _, field in ipairs(NUMBERS) do record[field] = tonumber(record[field]) end
  record.is_newer = record.version ~= VERSION
  record.lane = VERSION .. ':' .. record.language
  return record
end

local function save_record(record)
  redis.call('HSET', record_key(record.id), 'status', record.status, 'attempt', record.attempt, 'sequence',
    record.sequence, 'updated', record.updated, 'worker', record.worker, 'started', record.started, 'cancel',
    record.cancel, 'settled', record.settled, 'expires', record.expires)
  local ttl = math.ceil((record.expires - now + SWEEP_MARGIN) / 1000)
  redis.call('PEXPIRE', record_key(record.id), ttl)
  redis.call('PEXPIRE', events_key(record.id), ttl)
end

-- The whole record, for the caller to read.
local function whole(record) return redis.call('HGETALL', record_key(record.id)) end

-- When a live execution ends by force.
local function deadline(record)
  if record.status == 'pending' then return record.updated + queue_deadline end
  return record.started + record.budget + run_grace
end

local function is_spent(record) return record.attempt >= attempts_max end

-- The sweep's note of an execution. It says enough to forget one whose record is lost.
local function note(record)
  return table.concat({ record.id, record.owner, record.lane, digits(record.size) }, ' ')
end

-- Tells the sweep when to look at an execution.
local function schedule(record, at) put(TIMETABLE, at, note(record)) end

local function tell_watchers(record) redis.call('PUBLISH', prefix .. 'events:' .. record.id, record.sequence) end

-- Stores the event that says where an execution stands.
local function store_update(record)
  redis.call('RPUSH', events_key(record.id), table.concat({
    'u', record.status, record.attempt, digits(record.created), digits(record.updated), record.worker,
  }, ' '))
  tell_watchers(record)
end

-- Moves a record to another state; the caller sets what else belongs to it and then stores it.
local function move(record, status)
  record.status = status
  record.sequence = record.sequence + 1
  record.updated = math.max(now, record.updated)
  if status ~= 'running' then record.worker, record.started = '', 0 end
end

-- Takes an execution out of the indexes of its state.
local function leave_state(record, user)
  if record.status == 'pending' then
    count(user, 'pending', -1)
    leave_lane(user, record.lane, record.id)
  elseif record.status == 'running' then
    user.running = math.max(user.running - 1, 0)
    redis.call('ZREM', leases_key(record.lane), record.id)
  end
end

local function wait_for_worker(record, user)
  record.expires = deadline(record) + record.budget + run_grace + retention
  count(user, 'pending', 1)
  if is_spent(record) then
    schedule(record, now)
  else
    schedule(record, deadline(record))
    wait_in_lane(user, record.lane, record.id, record.order)
  end
end

-- Until when a running execution is its worker's. When the last attempt is silent for too long it is over.
local function hold(record)
  local hold_until = now + lease_time
  if is_spent(record) then
    put(leases_key(record.lane), '+inf', record.id)
    schedule(record, math.min(hold_until, deadline(record)))
  else
    put(leases_key(record.lane), hold_until, record.id)
    schedule(record, deadline(record))
  end
end

-- Stores a user of whom something has ended. If they were full and are not any more, somebody may serve them.
local function save_freed_user(user)
  if save_user(user) and user.was_full and user.running < running_max then announce_work() end
end

-- Ends an execution; `outcome` holds the fields that say how.
local function conclude(record, user, outcome)
  leave_state(record, user)
  count(user, 'bytes', -record.size)
  move(record, 'final')
  record.expires = record.updated + retention
  redis.call('HSET', record_key(record.id), unpack(outcome))
  store_update(record)
  save_record(record)
  schedule(record, record.expires)
end

-- What the last attempt wrote, as fields of an outcome.
local function last_output(record)
  local streams = { o = {}, e = {} }
  local wanted = '^([oe])' .. digits(record.attempt) .. ' (.*)$'
  for _, event in ipairs(redis.call('LRANGE', events_key(record.id), 0, -1)) do
    local stream, bytes = string.match(event, wanted)
    if stream then table.insert(streams[stream], bytes) end
  end
  return table.concat(streams.o), table.concat(streams.e)
end

-- Ends an execution without a worker; `why` is a word of the domain.
local function conclude_by_force(record, user, verdict, why)
  local output, error_output = last_output(record)
  conclude(record, user, { 'verdict', verdict, 'forced', why, 'output', output, 'error_output', error_output })
end

local function delete_record(record)
  local user = load_user(record.owner)
  leave_state(record, user)
  if record.status ~= 'final' then count(user, 'bytes', -record.size) end
  save_freed_user(user)
  redis.call('ZREM', TIMETABLE, note(record))
  redis.call('ZREM', user_key(record.owner, 'executions'), record.id)
  redis.call('DEL', record_key(record.id), events_key(record.id))
  tell_watchers(record)
end

-- The record with this id, or an answer for the caller that there is none. One that has expired is deleted on the way.
local function find(id)
  local record = load_record(id)
  if not record then return nil, { 'absent' } end
  if record.is_newer then return nil, { 'newer' } end
  if record.status == 'final' and record.expires <= now then
    delete_record(record)
    return nil, { 'absent' }
  end
  return record
end

-- Who holds a lease: the attempt alone would not do, because a deleted id may be submitted and taken again.
local function read_holder()
  return { id = ARGV[OWN], worker = ARGV[OWN + 1], started = tonumber(ARGV[OWN + 2]), attempt = tonumber(ARGV[OWN + 3]) }
end

local function is_held(record, holder)
  return record.status == 'running' and record.worker == holder.worker and record.started == holder.started
    and record.attempt == holder.attempt
end

-- How a holder let go of an execution, to tell the same call again from a stale one.
local function settlement(word, holder)
  return table.concat({ word, digits(holder.attempt), digits(holder.started), holder.worker }, ' ')
end

