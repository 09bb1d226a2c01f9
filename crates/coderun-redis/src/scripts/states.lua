-- Moves executions from one state to another, and tells watchers.

-- The member of a live execution in `leases` and `waits`. It has all that the sweep needs to clean up after a lost record.
local function index_member(record)
  record.member = record.member or record.id .. ' ' .. record.owner .. ' ' .. record.lane .. ' ' .. digits(record.size)
  return record.member
end

-- The member of a waiting execution in the queue of its user.
local function queue_member(record) return record.id .. ' ' .. digits(record.size) end

-- The time at which the sweep ends a live execution.
local function deadline(record)
  if record.status == 'pending' then return record.updated + queue_deadline end
  return record.started + record.budget + run_grace
end

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

-- The lifetime of the keys of a live execution from now on, in milliseconds.
local function live_ttl(record) return math.ceil((record.lives_until - now + LIVE_MARGIN) / 1000) end

-- Lets the keys of an execution that starts or waits again live long enough.
local function extend_life(record)
  local end_of_run = record.status == 'pending' and record.budget + run_grace or 0
  local lives_until = deadline(record) + end_of_run + retention
  if lives_until <= record.lives_until then return end
  record.lives_until = lives_until
  for _, key in ipairs({ record_key(record.id), events_key(record.id), input_key(record.id) }) do
    call('PEXPIRE', key, live_ttl(record))
  end
end

-- The event that reports a change of state, as `coderun_record` encodes it.
local function update_event(record, status, attempt, updated, worker)
  return table.concat({
    'u', status, attempt, record.takeovers, digits(record.created), digits(updated), worker,
  }, ' ')
end

-- Sends events to the other processes that watch an execution; `first` is the number of the first one. At the end it sends the
-- final record in place of the events, or nothing where a watcher has to read that.
local function notify(record, first, events, final)
  local watchers = record.watchers
  if #watchers == 0 then return end
  local bytes = final and #final or 0
  for _, event in ipairs(events) do bytes = bytes + #event end
  if bytes > MESSAGE_MAX_BYTES then events, final = {}, '' end
  local message = encode({ record.id, first, events, final or '' })
  for i = 1, #watchers, 2 do
    if watchers[i] ~= process and watchers[i + 1] > now then
      messages[#messages + 1] = prefix .. 'feed:' .. watchers[i]
      messages[#messages + 1] = message
    end
  end
end

-- Sends a message to every process: `cancel ID`, `changed ID`.
local function signal(text)
  messages[#messages + 1] = prefix .. 'signals'
  messages[#messages + 1] = text
end

-- The events of a live execution that has no list of them: they follow from its state.
local function first_events(record)
  local events = { update_event(record, 'pending', 0, record.created, '') }
  if record.attempt == 1 then
    events[2] = update_event(record, 'running', 1, record.started, record.worker)
  end
  return events
end

-- Adds an event to the list of a live execution. If the list was lost, its rest must not stay for ever.
local function push_event(record, event)
  local key = events_key(record.id)
  if call('RPUSH', key, event) == 1 then call('PEXPIRE', key, live_ttl(record)) end
end

-- Keeps the events of a live execution in a list from now on.
local function stream_events(record)
  if record.is_streamed then return end
  record.is_streamed = true
  local key = events_key(record.id)
  call('DEL', key)
  call('RPUSH', key, unpack(first_events(record)))
  call('PEXPIRE', key, live_ttl(record))
end

-- Moves a live execution to another state, with an event. The caller sets the other values of the state first, and saves
-- the record.
local function move(record, status)
  record.status = status
  record.sequence = record.sequence + 1
  record.updated = math.max(now, record.updated)
  if status == 'running' then record.started = record.updated end
  if not record.is_streamed and #record.watchers == 0 then return end
  local event = update_event(record, status, record.attempt, record.updated, record.worker)
  if record.is_streamed then push_event(record, event) end
  notify(record, record.sequence, { event })
end

-- Takes a live execution out of the indexes of its state. The caller calls `list_user` afterwards.
local function leave_state(record, user)
  if record.status == 'pending' then
    scores.waits[index_member(record)] = false
    count(user, 'pending', -1)
    if call('LREM', queue_key(user.owner, record.lane), 1, queue_member(record)) == 1 then
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

-- Ends a live execution: it is in no index and in no list of live ones any more. The caller stores the final record.
-- `entry` is that of the record in the list of those that expire: `EXPIRES CREATED OWNER ID`.
local function retire(record, user, entry)
  leave_state(record, user)
  count(user, 'bytes', -record.size)
  list_user(user)
  drop_record(record)
  if record.is_interactive then call('UNLINK', input_key(record.id)) end
  retired[#retired + 1] = entry
end

-- The entry of a final record in the list of those that expire.
local function retired_entry(record, expires)
  return table.concat({ digits(expires), digits(record.created), record.owner, record.id }, ' ')
end

-- Completes an end that has stored only the final record, because the script failed. Returns whether there is one.
local function complete_end(record)
  local final = load_final(record.id)
  if not final or final.created ~= record.created or final.attempt ~= record.attempt then return false end
  load_totals()
  retire(record, load_user(record.owner), retired_entry(final, final.expires))
  return true
end

-- The lifetime of the keys of a final record from now on, in milliseconds.
local function final_ttl(expires) return math.max(math.ceil((expires - now + FINAL_MARGIN) / 1000), 1) end
