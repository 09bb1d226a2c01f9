-- Serves the holder of a lease: stores events, extends the lease, ends the execution.
--
-- The headers begin with the fence: worker, start and attempt.

-- The live execution, if the caller holds its lease; otherwise the reply.
local function held(header)
  local record = load_record(header[2])
  if not record then return nil, 'lost' end
  if record.is_newer then return nil, 'newer' end
  if not is_held(record, header[4], header[5], header[6]) then return nil, 'lost' end
  return record
end

function steps.renew(header)
  local record, refused = held(header)
  if not record then return refused end
  if deadline(record) <= now then return 'lost' end
  extend_lease(record)
  return record.is_cancelled and 'cancel' or 'continue'
end

-- The events after those that are stored; `after` is the number before the first of `events`. Nil if the worker has stored
-- more than there is: the record was lost or replaced.
local function new_events(record, after, events)
  local stored = record.sequence - after
  if stored < 0 then return nil end
  local new = {}
  for i = stored + 1, #events do new[#new + 1] = events[i] end
  return new
end

local function push_events(record, events)
  for _, event in ipairs(events) do push_event(record, event) end
end

-- Header: the number before the first event, the events.
function steps.append(header)
  local record, refused = held(header)
  if not record then return refused end
  local new = new_events(record, header[7], header[8])
  if not new then return 'lost' end
  if #new == 0 then return { sequence = record.sequence } end
  stream_events(record)
  push_events(record, new)
  notify(record, record.sequence + 1, new)
  record.sequence = record.sequence + #new
  record.updated = math.max(now, record.updated)
  save_record(record)
  return { sequence = record.sequence }
end

-- The answer to a finish without the lease.
local function finished_before(header)
  local final = load_final(header[2])
  if final and final.is_newer then return 'newer' end
  local is_same = final and not final.is_forced and final.worker == header[4] and final.started == header[5]
    and final.attempt == header[6]
  return is_same and 'repeated' or 'lost'
end

-- Stores the final record in place of the live one, or its outcome beside it.
local function store_final(record, blob, nonce, is_beside, ttl)
  local key = is_beside and outcome_key(record.id) or record_key(record.id)
  if nonce then
    call('RENAME', staged_key(nonce), key)
    call('PEXPIRE', key, ttl)
  else
    call('SET', key, blob, 'PX', ttl)
  end
  if is_beside then call('PEXPIRE', record_key(record.id), ttl) end
end

-- Header: the number before the first event, how many events there are, the number of the final one, its time, whether
-- the events are in the list, whether the blob is only the outcome, the lifetime of the record in milliseconds, its entry in
-- `retired`, the nonce of a staged blob or nil, and the events if they go to the list. The blob is made for exactly this: if
-- the execution differs, the worker makes it again.
function steps.finish(header, blob)
  local id, after, event_count, sequence, updated, is_streamed, is_beside, ttl, entry, nonce, events =
    header[2], unpack(header, 7, 16)
  local record, refused = held(header)
  if not record or after > record.sequence then
    discard(nonce)
    return refused == 'lost' and finished_before(header) or refused or 'lost'
  end
  if record.is_streamed ~= is_streamed or record.updated > updated
    or math.max(after + event_count, record.sequence) + 1 ~= sequence then
    return { again = { record.is_streamed, record.sequence, record.updated } }
  end
  if nonce and call('EXISTS', staged_key(nonce)) == 0 then return 'unstaged' end
  -- All that can fail comes before the first write.
  local user = load_user(record.owner)
  load_totals()
  store_final(record, blob, nonce, is_beside, ttl)
  if is_streamed then
    events = new_events(record, after, events)
    push_events(record, events)
    push_event(record, update_event(record, 'final', record.attempt, updated, ''))
    call('PEXPIRE', events_key(id), ttl)
  end
  -- What is staged is not known here, so watchers read it.
  local is_elsewhere = is_beside or nonce
  notify(record, record.sequence + 1, is_elsewhere and {} or events, is_elsewhere and '' or blob)
  retire(record, user, entry)
  return 'done'
end
