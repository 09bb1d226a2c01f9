-- Records: what steps read and write of an execution. Code, input and output are fields of the same hash that no step
-- reads. What never changes is one field, and what does is another; a third one is there only if input may be sent.

local FIXED = '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$'
local STATE = '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (.*)$'
local TIMETABLE, LEASES = base .. 'timetable', base .. 'leases'

-- The record with this id. One that is damaged so much that no step could do anything with it counts as lost.
local function load_record(id)
  local values = call('HMGET', record_key(id), 'fixed', 'state', 'interactive')
  local fixed, state = values[1], values[2]
  if not fixed or not state then return nil end
  local record = { id = id, is_interactive = values[3] ~= false }
  local budget, attempt, sequence, updated, started, expires, kept, takeovers
  -- What is only passed on stays text: numbers are costly to print.
  record.version, record.owner, record.lane, record.size, budget, record.order, record.created =
    string.match(fixed, FIXED)
  if (record.version or string.match(fixed, '^%S+')) ~= VERSION then
    record.is_newer = true
    return record
  end
  record.status, attempt, sequence, updated, started, record.cancel, record.settled, expires, kept, takeovers,
    record.worker = string.match(state, STATE)
  if not record.version or not record.status then return nil end
  record.budget = tonumber(budget)
  record.attempt, record.sequence, record.updated, record.started =
    tonumber(attempt), tonumber(sequence), tonumber(updated), tonumber(started)
  record.expires, record.kept, record.takeovers = tonumber(expires), tonumber(kept), tonumber(takeovers)
  return record
end

-- How many milliseconds the server keeps what belongs to a record.
local function ttl(record) return math.ceil((record.kept - now + SWEEP_MARGIN) / 1000) end

-- Stores a record, with more fields if there are any, and sees to it that its keys live as long as it may.
local function save_record(record, fields)
  local must_be_kept = record.expires > record.kept
  if must_be_kept then record.kept = record.expires end
  local state = table.concat({
    record.status, record.attempt, record.sequence, digits(record.updated), digits(record.started), record.cancel,
    record.settled, digits(record.expires), digits(record.kept), record.takeovers, record.worker,
  }, ' ')
  if fields then
    call('HSET', record_key(record.id), 'state', state, unpack(fields))
  else
    call('HSET', record_key(record.id), 'state', state)
  end
  if must_be_kept then
    call('PEXPIRE', record_key(record.id), ttl(record))
    call('PEXPIRE', events_key(record.id), ttl(record))
    if record.is_interactive then call('PEXPIRE', input_key(record.id), ttl(record)) end
  end
end

-- Lets something live as long as a record that is stored already, but for the second that may pass between the two
-- calls, and no longer than this.
local function live_as(record, key, longest)
  local left = call('PTTL', record_key(record.id))
  if left < 0 then left = ttl(record) end
  call('PEXPIRE', key, math.min(left - 1000, longest))
end

-- When a live execution ends by force.
local function deadline(record)
  if record.status == 'pending' then return record.updated + queue_deadline end
  return record.started + record.budget + run_grace
end

-- Tells the sweep when to look at an execution. The note says enough to forget one whose record is lost.
local function note(record) return record.id .. ' ' .. record.owner .. ' ' .. record.lane .. ' ' .. record.size end
local function schedule(record, at) put(TIMETABLE, at, note(record)) end

-- Whether nobody may take an execution over when the lease of its worker is lost.
local function is_last_attempt(record) return record.takeovers + 1 >= attempts_max end

-- Until when a running execution is its worker's. When the last attempt is silent for too long it is over.
local function hold(record)
  local hold_until = now + lease_time
  if is_last_attempt(record) then
    put(LEASES, '+inf', record.lane .. ' ' .. record.id)
    schedule(record, math.min(hold_until, deadline(record)))
  else
    put(LEASES, hold_until, record.lane .. ' ' .. record.id)
    schedule(record, deadline(record))
  end
end

local function tell_watchers(record) call('PUBLISH', prefix .. 'events:' .. record.id, record.sequence) end

-- Tells the worker of an execution to look whether it is to go on.
local function tell_worker(record) call('PUBLISH', prefix .. 'signals', 'cancel ' .. record.id) end

-- The record with this id, or an answer for the caller that there is none.
local function find(id)
  local record = load_record(id)
  if not record then return nil, { 'absent' } end
  if record.is_newer then return nil, { 'newer' } end
  if record.status == 'final' and record.expires <= now then return nil, { 'absent' } end
  return record
end

-- Who holds a lease: the attempt alone would not do, because a deleted id may be submitted and taken again.
local function is_holder(record)
  return record.worker == ARGV[OWN + 1] and record.started == tonumber(ARGV[OWN + 2])
    and record.attempt == tonumber(ARGV[OWN + 3])
end

local function is_held(record) return record.status == 'running' and is_holder(record) end

-- Whether this holder has let go of an execution in this way before: the same call again, and not a stale one.
local function has_settled(record, how) return record.settled == how and is_holder(record) end
