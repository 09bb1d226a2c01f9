-- Cancels, releases and deletes executions, and ends them without a worker.

-- How far from its place an entry is searched in the list of records that expire.
local RETIRED_NEAR = 500

-- Encodes a field as `coderun_record::pack_fields` does.
local function field(name, value) return struct.pack('<I4c0I4c0', #name, name, #value, value) end

-- Ends a live execution; `why` is a word of `ForcedEnd`. The outcome is stored beside the record. Its output is that of the
-- last attempt, which the reader finds in the events: it may be large.
local function end_by_force(record, why)
  local updated = math.max(now, record.updated)
  local expires = updated + retention
  retire(record, load_user(record.owner), finals.retired_entry(record, expires))
  record.status, record.sequence, record.updated = 'final', record.sequence + 1, updated
  local header = encode({
    VERSION, record.owner, language_of(record), record.created,
    {
      record.attempt, record.takeovers, record.sequence, updated, record.started, record.worker, expires,
      record.is_streamed, true, record.is_released, why == 'cancelled' and why or 'internal_error',
    },
  })
  call('SET', key_of('o', record.id), header .. field('forced', why), 'PX', FINAL_TTL)
  call('PEXPIRE', key_of('e', record.id), FINAL_TTL)
  if record.is_streamed then
    call('RPUSH', key_of('v', record.id), stream.update_event(record, 'final', record.attempt, updated, ''))
    call('PEXPIRE', key_of('v', record.id), FINAL_TTL)
  end
  signal('changed ' .. record.id)
end

-- The place in the list of those that expire, below `count`, before which all expire earlier than a time. The entries are
-- nearly in that order.
local function search_retired(expires, count)
  local low, high = 0, count
  while low < high do
    local middle = math.floor((low + high) / 2)
    local other = tonumber(string.match(call('LINDEX', RETIRED, middle), '^%d+') or 0)
    if other < expires then low = middle + 1 else high = middle end
  end
  return low
end

-- Replaces the entry of a final record in the list of those that expire by one of nothing. The list may be too long to search
-- all of it. The clocks of processes differ, so the entry may not be exactly where it belongs; the sweep expects entries of
-- deleted records.
local function remove_retired(record)
  local entry = finals.retired_entry(record, record.expires)
  for i, other in ipairs(retired) do
    if other == entry then return table.remove(retired, i) end
  end
  local count = call('LLEN', RETIRED)
  if count <= RETIRED_NEAR then return call('LREM', RETIRED, 1, entry) end
  local first = math.max(search_retired(record.expires, count) - RETIRED_NEAR, 0)
  for i, other in ipairs(call('LRANGE', RETIRED, first, first + 2 * RETIRED_NEAR)) do
    if other == entry then return call('LSET', RETIRED, first + i - 1, digits(record.expires)) end
  end
end

-- Deletes an execution and all references to it.
local function remove(record)
  if record.status == 'final' then
    remove_retired(record)
  else
    retire(record, load_user(record.owner))
  end
  call('LREM', key_of('u', record.owner), 1, listed_entry(record))
  finals.delete_keys(record.id)
  call('UNLINK', key_of('k', record.worker))
end

-- Adds a live execution to the queue of its user, before those that were submitted later. It is among the first of them:
-- only others that were given back, too, are before it.
local function queue_again(record)
  local key, place = key_of('q', record.owner .. ':' .. record.lane), 0
  while true do
    local member = call('LINDEX', key, place)
    local other = member and load_record(string.match(member, '^%S+'))
    if not member then
      call('RPUSH', key, queue_member(record))
      break
    elseif other and not other.is_newer and other.order > record.order then
      call('LINSERT', key, 'BEFORE', member, queue_member(record))
      break
    end
    place = place + 1
  end
  call('PEXPIRE', key, SHARED_TTL)
end

-- Makes a running execution wait again, and its user the next one.
local function wait_again(record)
  local user = load_user(record.owner)
  -- Its events no longer follow from its state.
  stream.begin(record)
  leave_state(record, user)
  record.is_released = true
  move(record, 'pending')
  stream.extend_life(record)
  save_record(record)
  scores.waits[index_member(record)] = deadline(record)
  count(user, 'pending', 1)
  queue_again(record)
  count_waiting(user, record.lane, 1)
  totals.first_turn = totals.first_turn - 1
  user.turn = totals.first_turn
  list_user(user)
end

-- Ends a waiting execution as cancelled, or asks the worker of a running one to stop it.
define('cancel', function(record)
  if record.status == 'final' then return 'final' end
  if record.status == 'running' then
    record.is_cancelled = true
    save_record(record)
    signal('cancel ' .. record.id)
    return 'requested'
  end
  end_by_force(record, 'cancelled')
  return 'ended'
end)

-- Returns an execution to the front of the queue, or ends it if it was cancelled.
define('release', function(record, _, worker, started, attempt)
  -- A call that is repeated may have ended the execution, because it was cancelled.
  if record.is_released and record.worker == worker and record.started == started and record.attempt == attempt then
    return 'done'
  end
  if not is_held(record, worker, started, attempt) then return 'lost' end
  wait_again(record)
  if record.is_cancelled then
    end_by_force(record, 'cancelled')
  else
    signal('changed ' .. record.id)
  end
  return 'done'
end)

-- Deletes an execution. The worker of a running one loses its lease.
define('delete', function(record)
  if record.status == 'running' then signal('cancel ' .. record.id) end
  remove(record)
  signal('changed ' .. record.id)
  return 'done'
end)
