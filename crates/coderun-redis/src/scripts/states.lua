-- From one state to another: what has to change with it. The caller stores user, totals and record.

-- Stores the event that says where an execution stands.
local function store_update(record)
  call('RPUSH', events_key(record.id), table.concat({
    'u', record.status, record.attempt, record.takeovers, record.created, digits(record.updated), record.worker,
  }, ' '))
end

-- Moves a record to another state, with the event that says so. The caller sets what else belongs to the state first.
local function move(record, status)
  record.status = status
  record.sequence = record.sequence + 1
  record.updated = math.max(now, record.updated)
  if status == 'running' then record.started = record.updated end
  store_update(record)
end

-- Takes an execution out of the indexes of its state.
local function leave_state(record, user, totals)
  if record.status == 'pending' then
    count(user, totals, 'pending', -1)
    leave_lane(user, totals, record.lane, record.id, record.size)
  elseif record.status == 'running' then
    user.running = math.max(user.running - 1, 0)
    call('ZREM', LEASES, record.lane .. ' ' .. record.id)
  end
end

local function wait_for_worker(record, user, totals)
  record.expires = deadline(record) + record.budget + run_grace + retention
  count(user, totals, 'pending', 1)
  schedule(record, deadline(record))
  wait_in_lane(user, totals, record)
end

-- Stores a user of whom something has ended. If they were full and are not any more, somebody may serve them.
local function save_freed_user(user)
  if save_user(user) and user.was_full and user.running < running_max then announce_work() end
end

-- Ends an execution; `outcome` holds the fields that say how.
local function conclude(record, user, totals, outcome)
  leave_state(record, user, totals)
  count(user, totals, 'bytes', -record.size)
  move(record, 'final')
  record.expires = record.updated + retention
  save_record(record, outcome)
  if record.is_interactive then call('DEL', input_key(record.id)) end
  schedule(record, record.expires)
  tell_watchers(record)
end

-- Ends an execution without a worker, with what its last attempt wrote; `why` is a word of the domain.
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

local function delete_record(record)
  local user, totals = load_user(record.owner), load_totals()
  leave_state(record, user, totals)
  if record.status ~= 'final' then count(user, totals, 'bytes', -record.size) end
  save_freed_user(user)
  save_totals(totals)
  call('ZREM', TIMETABLE, note(record))
  call('ZREM', executions_key(record.owner), record.id)
  delete_keys(record.id)
  tell_watchers(record)
end
