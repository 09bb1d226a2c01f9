-- Moves executions between states. The caller stores user, totals and record, unless the function says otherwise.

-- Stores the event that reports the state of an execution.
local function store_update(record)
  call('RPUSH', events_key(record.id), table.concat({
    'u', record.status, record.attempt, record.takeovers, record.created, digits(record.updated), record.worker,
  }, ' '))
end

-- Moves a record to another state, and stores the event. The caller sets the other fields of the state first.
local function move(record, status)
  record.status = status
  record.sequence = record.sequence + 1
  record.updated = math.max(now, record.updated)
  if status == 'running' then record.started = record.updated end
  store_update(record)
end

-- Removes an execution from the indexes of its state.
local function leave_state(record, user, totals)
  if record.status == 'pending' then
    count(user, totals, 'pending', -1)
    leave_lane(user, totals, record.lane, record.id, record.size)
  elseif record.status == 'running' then
    user.running = math.max(user.running - 1, 0)
    call('ZREM', LEASES, record.lane .. ' ' .. record.id)
  end
end

-- Adds an execution to the queue.
local function wait_for_worker(record, user, totals)
  record.expires = deadline(record) + record.budget + run_grace + retention
  count(user, totals, 'pending', 1)
  schedule(record, deadline(record))
  wait_in_lane(user, totals, record)
end

-- Stores a user after one of their executions has ended. Announces work if they were at their limit of running
-- executions.
local function save_freed_user(user)
  if save_user(user) and user.was_full and user.running < running_max then announce_work() end
end

-- Ends an execution and stores its record; `outcome` holds the fields of the outcome.
local function conclude(record, user, totals, outcome)
  leave_state(record, user, totals)
  count(user, totals, 'bytes', -record.size)
  move(record, 'final')
  record.expires = record.updated + retention
  save_record(record, outcome)
  if record.is_interactive then call('DEL', input_key(record.id)) end
  schedule(record, record.expires)
  publish_event(record)
end

-- Ends an execution without a worker, with the output of its last attempt; `why` is a word of the domain.
local function conclude_by_force(record, user, totals, verdict, why)
  local streams = { o = {}, e = {} }
  local wanted = '^([oe])' .. digits(record.attempt) .. ' (.*)$'
  for _, event in ipairs(call('LRANGE', events_key(record.id), 0, -1)) do
    local stream, bytes = string.match(event, wanted)
    if stream then table.insert(streams[stream], bytes) end
  end
  conclude(record, user, totals, {
    'verdict', verdict, 'forced', why, 'output', table.concat(streams.o), 'error_output', table.concat(streams.e),
  })
end

-- Deletes a record with all references to it, and stores user and totals.
local function delete_record(record)
  local user, totals = load_user(record.owner), load_totals()
  leave_state(record, user, totals)
  if record.status ~= 'final' then count(user, totals, 'bytes', -record.size) end
  save_freed_user(user)
  save_totals(totals)
  call('ZREM', TIMETABLE, timetable_member(record))
  call('ZREM', executions_key(record.owner), record.id)
  delete_keys(record.id)
  publish_event(record)
end
