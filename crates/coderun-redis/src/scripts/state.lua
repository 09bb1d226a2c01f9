-- Reads the arguments of a group of steps, and keeps what the steps share: live executions, users and totals.
--
-- A group is one call: `EVALSHA sha 1 KEY base prefix now policy [header blob]...`. A header is the step's name, its
-- execution and owner (or nil) and its own arguments, as msgpack values one after the other. All keys lie in one slot:
-- their names begin with `base`, which contains the hash tag of a partition. Times are microseconds since 1970. The server
-- runs one group at a time, so a step needs no locks.
--
-- Most of the cost of a group is calls to the server. So values are read once, changed in tables, and written at the end
-- with one command a key. Only lanes, queues and keys of one execution are written at once. Nothing may fail after the
-- first write: a value that cannot be decoded counts as lost.

local VERSION = '3'
local SECOND = 1000000
local MINUTE, DAY = 60 * SECOND, 86400 * SECOND
-- Redis deletes the keys of a final record so long after its expiry, and those of a live one if no step ever ends it.
local FINAL_MARGIN, LIVE_MARGIN = 30 * SECOND, 600 * SECOND
-- Longer messages to watchers name only the event.
local MESSAGE_MAX_BYTES = 16384
-- The length of a header is below this.
local HEADER_MAX_BYTES = 1024

local call, encode = redis.call, cmsgpack.pack
local base, prefix, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local retention, queue_deadline, lease_time, run_grace, attempts_max, running_max, pending_max, bytes_max,
  user_pending_max, user_bytes_max, submits_max, process = unpack(cmsgpack.unpack(ARGV[4]))
-- The index of the first header.
local FIRST_STEP = 5

-- The lifetime of keys that many executions share: longer than that of any of them.
local SHARED_TTL = math.ceil((retention + queue_deadline + DAY + LIVE_MARGIN) / 1000)

local LIVE, USERS, TOTALS, RETIRED = base .. 'live', base .. 'users', base .. 'totals', base .. 'retired'

local function record_key(id) return base .. 'e:' .. id end
local function outcome_key(id) return base .. 'o:' .. id end
local function events_key(id) return base .. 'v:' .. id end
local function input_key(id) return base .. 'i:' .. id end
local function tickets_key(id) return base .. 't:' .. id end
local function executions_key(owner) return base .. 'u:' .. owner end
local function taken_key(worker) return base .. 'k:' .. worker end
local function staged_key(nonce) return base .. 's:' .. nonce end
local function lane_key(lane) return base .. 'lane:' .. lane end
local function queue_key(owner, lane) return base .. 'q:' .. owner .. ':' .. lane end

-- The steps by name. Each takes its header and its blob, and returns its reply: a word, or a table of one word and what
-- belongs to it.
local steps = {}

-- What this group has read. `false` stands for what is not there.
local records, users, totals = {}, {}, nil
-- What it writes at the end: ids, owners, scores by member (`false` removes), entries, and messages by channel.
local changed_records, changed_users, retired, messages = {}, {}, {}, {}
local scores = { leases = {}, waits = {} }
local has_new_work = false

-- Prints a number without the scientific notation that Lua uses for large ones.
local function digits(number) return string.format('%.0f', number) end

-- Reads a value of the server with a function; nil if there is none, or the function fails or finds it damaged. A comparison
-- with a number or a text is the cheapest test that a value is one: it fails for all other types.
local function decode(value, read, id)
  if not value then return nil end
  local is_valid, decoded = pcall(read, value, id)
  return is_valid and decoded or nil
end

-- Whether this is a table of counts by lane; fails or returns false otherwise.
local function are_counts(lanes)
  for lane, waiting in pairs(lanes) do
    if not (lane > '' and waiting > -math.huge) then return false end
  end
  return true
end

-- Live executions

-- Whether this is a list of watchers: the name of each, and when it ends.
local function are_watchers(watchers)
  for i = 1, #watchers, 2 do
    if not (watchers[i] > '' and watchers[i + 1] >= 0) then return false end
  end
  return true
end

-- The record of these values, in the order of `LiveValue` of live_value.rs; fails or returns `false` if they are damaged. A
-- call with many values is much faster than a table of them.
local function make_record(
  id, version, status, attempt, sequence, updated, started, worker, token, takeovers, created, is_cancelled,
  is_released, is_streamed, is_interactive, is_large, owner, lane, size, budget, order, lives_until, watchers
)
  if version ~= VERSION then return version > '' and { id = id, is_newer = true } end
  local is_valid = (status == 'pending' or status == 'running') and attempt >= 0 and sequence >= 0 and updated >= 0
    and started >= 0 and worker >= '' and takeovers >= 0 and created >= 0 and owner > '' and lane > '' and size >= 0
    and budget >= 0 and order >= 0 and lives_until >= 0 and are_watchers(watchers)
  return is_valid and {
    id = id, status = status, attempt = attempt, sequence = sequence, updated = updated, started = started,
    worker = worker, token = token, takeovers = takeovers, created = created, is_cancelled = is_cancelled,
    is_released = is_released, is_streamed = is_streamed, is_interactive = is_interactive, is_large = is_large,
    owner = owner, lane = lane, size = size, budget = budget, order = order, lives_until = lives_until,
    watchers = watchers,
  }
end

local function read_record(value, id) return make_record(id, cmsgpack.unpack(value)) end

local function to_record(id, value) return decode(value, read_record, id) or false end

-- The value of a record, in the same order. It is made once, when a step or the end of the group needs it.
local function to_value(r)
  r.value = r.value or encode(
    VERSION, r.status, r.attempt, r.sequence, r.updated, r.started, r.worker, r.token, r.takeovers, r.created,
    r.is_cancelled, r.is_released, r.is_streamed, r.is_interactive, r.is_large, r.owner, r.lane, r.size, r.budget, r.order,
    r.lives_until, r.watchers
  )
  return r.value
end

-- The live execution with this id; nil if there is none.
local function load_record(id)
  local record = records[id]
  if record == nil then
    record = to_record(id, call('HGET', LIVE, id))
    records[id] = record
  end
  return record or nil
end

-- Makes the group store a live execution.
local function save_record(record)
  record.value = nil
  records[record.id] = record
  changed_records[record.id] = true
end

-- Makes the group forget a live execution.
local function drop_record(record)
  records[record.id] = false
  changed_records[record.id] = true
end

-- Final records

-- The header of a stored record: [version, owner, language, created, end]. The end is nil while the execution is live;
-- then it is [attempt, takeovers, sequence, updated, started, worker, expires, is_streamed, is_forced, is_released, verdict].
local function read_header(bytes)
  local _, header = cmsgpack.unpack_one(bytes)
  if header[1] ~= VERSION then return header[1] > '' and header end
  local ending = header[5]
  local is_valid = header[2] > '' and header[3] > '' and header[4] >= 0 and (not ending
    or ending[1] >= 0 and ending[2] >= 0 and ending[3] >= 0 and ending[4] >= 0 and ending[5] >= 0 and ending[6] >= ''
    and ending[7] >= 0 and ending[11] > '')
  return is_valid and header
end

local function load_header(key) return decode(call('GETRANGE', key, 0, HEADER_MAX_BYTES - 1), read_header) end

-- The final record with this id, expired or not; nil if there is none.
local function load_final(id)
  local h = load_header(record_key(id))
  if h and h[1] == VERSION and not h[5] then h = load_header(outcome_key(id)) end
  if not h then return nil end
  if h[1] ~= VERSION then return { id = id, is_newer = true } end
  local e = h[5]
  if not e then return nil end
  return {
    id = id, status = 'final', owner = h[2], language = h[3], created = h[4], attempt = e[1], takeovers = e[2],
    sequence = e[3], updated = e[4], started = e[5], worker = e[6], expires = e[7], is_streamed = e[8], is_forced = e[9],
    is_released = e[10], verdict = e[11],
  }
end

-- The live or final record with this id, or the reply that there is none.
local function find(id)
  local record = load_record(id) or load_final(id)
  if not record then return nil, 'absent' end
  if record.is_newer then return nil, 'newer' end
  if record.status == 'final' and record.expires <= now then return nil, 'absent' end
  return record
end

-- Deletes all keys of one execution.
local function delete_keys(id)
  call('UNLINK', record_key(id), outcome_key(id), events_key(id), input_key(id), tickets_key(id))
end

-- Deletes a staged value that no step will use.
local function discard(nonce)
  if nonce then call('UNLINK', staged_key(nonce)) end
end

-- Users and totals

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
  local pending, bytes, running, order, last_turn, first_turn, renewed, lanes, audited, repeated =
    unpack(cmsgpack.unpack(value))
  local is_valid = pending >= 0 and bytes >= 0 and running >= 0 and order >= 0 and last_turn >= 0 and first_turn <= 0
    and renewed >= 0 and are_counts(lanes) and audited >= 0 and are_counts(repeated)
  return is_valid and {
    pending = pending, bytes = bytes, running = running, order = order, last_turn = last_turn, first_turn = first_turn,
    renewed = renewed, lanes = lanes, audited = audited, repeated = repeated,
  }
end

-- Counts at most this many members of each index for lost totals; the audit corrects them.
local RECOUNTED_MAX = 1000

-- Counts what waits and runs. Without this an offer would pass over what waits, and no take would find it.
local function recount_totals()
  local counted = {
    pending = 0, bytes = 0, running = 0, order = 0, last_turn = 0, first_turn = 0, renewed = 0, lanes = {}, audited = 0,
    repeated = {},
  }
  for name, index in pairs({ pending = 'waits', running = 'leases' }) do
    for _, member in ipairs(call('ZRANGE', base .. index, 0, RECOUNTED_MAX - 1)) do
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
    totals = decode(call('GET', TOTALS), read_totals) or recount_totals()
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

-- States

-- The member of a live execution in `leases` and `waits`. It has all that the sweep needs to clean up after a lost record.
local function index_member(record)
  record.member = record.member or record.id .. ' ' .. record.owner .. ' ' .. record.lane .. ' ' .. record.size
  return record.member
end

-- The member of a waiting execution in the queue of its user.
local function queue_member(record) return record.id .. ' ' .. record.size end

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
