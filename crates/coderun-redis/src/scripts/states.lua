-- Moves executions from one state to another.

-- The member of a live execution in `leases` and `waits`. It has all that the sweep needs to clean up after a lost record.
local function index_member(record)
  record.member = record.member or record.id .. ' ' .. record.owner .. ' ' .. record.lane .. ' ' .. digits(record.size)
  return record.member
end

-- The member of a waiting execution in the queue of its user.
local function queue_member(record) return record.id .. ' ' .. digits(record.size) end

-- Whether no other worker may take the execution over when its lease runs out.
local function is_last_attempt(record) return record.takeovers + 1 >= attempts_max end

-- Whether the caller holds the lease. The attempt alone is not enough: a deleted id may be submitted and taken again.
local function is_held(record, worker, started, attempt)
  return record.status == 'running' and record.worker == worker and record.started == started
    and record.attempt == attempt
end

-- Starts or extends a lease.
local function extend_lease(record)
  scores.leases[index_member(record)] = math.min(now + lease_time, deadline(record))
end

-- Sends a message to every process: `cancel ID`, `changed ID`.
local function signal(text)
  messages[#messages + 1] = prefix .. 'signals'
  messages[#messages + 1] = text
end

-- Moves a live execution to another state, with an event. The caller sets the other values of the state first, and saves
-- the record.
local function move(record, status)
  record.status = status
  record.sequence = record.sequence + 1
  record.updated = math.max(now, record.updated)
  if status == 'running' then record.started = record.updated end
  if not record.is_streamed and #record.watchers == 0 then return end
  local events = { stream.update_event(record, status, record.attempt, record.updated, record.worker) }
  if record.is_streamed then stream.push(record, events) end
  stream.notify(record, record.sequence, events)
end

-- Takes a live execution out of the indexes of its state. The caller calls `list_user` afterwards.
local function leave_state(record, user)
  if record.status == 'pending' then
    scores.waits[index_member(record)] = false
    count(user, 'pending', -1)
    if call('LREM', key_of('q', user.owner .. ':' .. record.lane), 1, queue_member(record)) == 1 then
      count_waiting(user, record.lane, -1)
    end
  else
    scores.leases[index_member(record)] = false
    count(user, 'running', -1)
  end
end

-- Starts an attempt at an execution that is in no index. The caller calls `list_user` afterwards.
local function start(record, user, worker, token)
  record.attempt = record.attempt + 1
  record.worker, record.token, record.is_released = worker, token, false
  move(record, 'running')
  count(user, 'running', 1)
  user.turn = turn_behind_all()
  extend_lease(record)
  save_record(record)
end

-- Ends or deletes a live execution: it is in no index and in no list of live ones any more. The caller stores the final record.
-- `entry` is that of the final record in the list of those that expire, if there is one: `EXPIRES CREATED OWNER ID`.
local function retire(record, user, entry)
  leave_state(record, user)
  count(user, 'bytes', -record.size)
  list_user(user)
  drop_record(record)
  if record.is_interactive then call('UNLINK', key_of('i', record.id)) end
  retired[#retired + 1] = entry
end
