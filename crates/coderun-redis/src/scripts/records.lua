-- Reads and writes records. The record of an execution is a hash: `fixed` never changes, `state` changes with every
-- step, and `interactive` exists only if the program takes input. No step reads the other fields: code, input and
-- output.

local FIXED = '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$'
local STATE = '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (.*)$'
local TIMETABLE, LEASES = base .. 'timetable', base .. 'leases'

-- The record with this id. A record that no step can parse counts as lost.
local function load_record(id)
  local values = call('HMGET', record_key(id), 'fixed', 'state', 'interactive')
  local fixed, state = values[1], values[2]
  if not fixed or not state then return nil end
  local record = { id = id, is_interactive = values[3] ~= false }
  local budget, attempt, sequence, updated, started, expires, lives_until, takeovers
  -- Values that no step computes with stay text, because printing numbers is slow.
  record.version, record.owner, record.lane, record.size, budget, record.order, record.created =
    string.match(fixed, FIXED)
  if (record.version or string.match(fixed, '^%S+')) ~= VERSION then
    record.is_newer = true
    return record
  end
  record.status, attempt, sequence, updated, started, record.cancel, record.settled, expires, lives_until, takeovers,
    record.worker = string.match(state, STATE)
  if not record.version or not record.status then return nil end
  record.budget = tonumber(budget)
  record.attempt, record.sequence, record.updated, record.started =
    tonumber(attempt), tonumber(sequence), tonumber(updated), tonumber(started)
  record.expires, record.lives_until, record.takeovers = tonumber(expires), tonumber(lives_until), tonumber(takeovers)
  return record
end

-- The lifetime of the keys of a record, in milliseconds.
local function ttl(record) return math.ceil((record.lives_until - now + SWEEP_MARGIN) / 1000) end

-- Stores a record, with more fields if there are any, and extends the lifetime of its keys if necessary.
local function save_record(record, fields)
  local must_live_longer = record.expires > record.lives_until
  if must_live_longer then record.lives_until = record.expires end
  local state = table.concat({
    record.status, record.attempt, record.sequence, digits(record.updated), digits(record.started), record.cancel,
    record.settled, digits(record.expires), digits(record.lives_until), record.takeovers, record.worker,
  }, ' ')
  if fields then
    call('HSET', record_key(record.id), 'state', state, unpack(fields))
  else
    call('HSET', record_key(record.id), 'state', state)
  end
  if must_live_longer then
    call('PEXPIRE', record_key(record.id), ttl(record))
    call('PEXPIRE', events_key(record.id), ttl(record))
    if record.is_interactive then call('PEXPIRE', input_key(record.id), ttl(record)) end
  end
end

-- Lets a key live as long as the stored record, at most `longest`. A second is subtracted for the time between the two
-- calls, so that the key never outlives the record.
local function expire_with(record, key, longest)
  local left = call('PTTL', record_key(record.id))
  if left < 0 then left = ttl(record) end
  call('PEXPIRE', key, math.min(left - 1000, longest))
end

-- The time at which the sweep ends a live execution.
local function deadline(record)
  if record.status == 'pending' then return record.updated + queue_deadline end
  return record.started + record.budget + run_grace
end

-- The member of an execution in the timetable. It has all that the sweep needs to clean up after a lost record.
local function timetable_member(record) return record.id .. ' ' .. record.owner .. ' ' .. record.lane .. ' ' .. record.size end

-- Makes the sweep check an execution at this time.
local function schedule(record, at) put(TIMETABLE, at, timetable_member(record)) end

-- Whether no other worker may take the execution over when its lease runs out.
local function is_last_attempt(record) return record.takeovers + 1 >= attempts_max end

-- Starts or extends the lease of a running execution. The sweep ends a last attempt whose lease runs out.
local function extend_lease(record)
  local lease_until = now + lease_time
  if is_last_attempt(record) then
    put(LEASES, '+inf', record.lane .. ' ' .. record.id)
    schedule(record, math.min(lease_until, deadline(record)))
  else
    put(LEASES, lease_until, record.lane .. ' ' .. record.id)
    schedule(record, deadline(record))
  end
end

local function publish_event(record) call('PUBLISH', prefix .. 'events:' .. record.id, record.sequence) end

-- Makes the worker of an execution check whether it was cancelled or deleted.
local function publish_cancellation(record) call('PUBLISH', prefix .. 'signals', 'cancel ' .. record.id) end

-- The record with this id, or the reply that there is none.
local function find(id)
  local record = load_record(id)
  if not record then return nil, { 'absent' } end
  if record.is_newer then return nil, { 'newer' } end
  if record.status == 'final' and record.expires <= now then return nil, { 'absent' } end
  return record
end

-- Whether the caller holds the lease. The attempt alone is not enough: a deleted id may be submitted and taken again.
local function is_holder(record)
  return record.worker == ARGV[OWN + 1] and record.started == tonumber(ARGV[OWN + 2])
    and record.attempt == tonumber(ARGV[OWN + 3])
end

local function is_held(record) return record.status == 'running' and is_holder(record) end

-- Whether the caller has settled the execution in this way before, so that this call is a repetition.
local function has_settled(record, how) return record.settled == how and is_holder(record) end
