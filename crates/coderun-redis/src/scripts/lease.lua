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

-- Header: the number before the first event, the events.
function steps.append(header)
  local record, refused = held(header)
  if not record then return refused end
  local new = stream.new_events(record, header[7], header[8])
  if not new then return 'lost' end
  if #new == 0 then return { sequence = record.sequence } end
  stream.begin(record)
  stream.push(record, new)
  stream.notify(record, record.sequence + 1, new)
  record.sequence = record.sequence + #new
  record.updated = math.max(now, record.updated)
  save_record(record)
  return { sequence = record.sequence }
end

-- The answer to a finish without the lease.
local function finished_before(header)
  local final = finals.load(header[2])
  if final and final.is_newer then return 'newer' end
  local is_same = final and not final.is_forced and final.worker == header[4] and final.started == header[5]
    and final.attempt == header[6]
  return is_same and 'repeated' or 'lost'
end

-- Stores the final record in place of the live one, or its outcome beside it.
local function store_final(record, blob, nonce, is_beside)
  local key = is_beside and key_of('o', record.id) or key_of('e', record.id)
  if nonce then
    call('RENAME', key_of('s', nonce), key)
    call('PEXPIRE', key, FINAL_TTL)
  else
    call('SET', key, blob, 'PX', FINAL_TTL)
  end
  if is_beside then call('PEXPIRE', key_of('e', record.id), FINAL_TTL) end
end

-- Header: the number before the first event, how many events there are, the number of the final one, its time, whether
-- the events are in the list, whether the blob is only the outcome, the entry in `retired`, the nonce of a staged blob or nil,
-- and the events if they go to the list. The blob is made for exactly this: if the execution differs, the worker makes it again.
function steps.finish(header, blob)
  local after, event_count, sequence, updated, is_streamed, is_beside, entry, nonce, events = unpack(header, 7, 15)
  local record, refused = held(header)
  if not record or after > record.sequence then
    discard(nonce)
    return refused == 'lost' and finished_before(header) or refused or 'lost'
  end
  if record.is_streamed ~= is_streamed or record.updated > updated
    or math.max(after + event_count, record.sequence) + 1 ~= sequence then
    return { again = { record.is_streamed, record.sequence, record.updated } }
  end
  if nonce and call('EXISTS', key_of('s', nonce)) == 0 then return 'unstaged' end
  -- All that can fail comes before the first write.
  local user = load_user(record.owner)
  load_totals()
  store_final(record, blob, nonce, is_beside)
  if is_streamed then
    events = stream.new_events(record, after, events)
    stream.push(record, events)
    stream.push(record, { stream.update_event(record, 'final', record.attempt, updated, '') })
    call('PEXPIRE', key_of('v', record.id), FINAL_TTL)
  end
  if #record.watchers > 0 then
    -- What is staged is not known here, so watchers read it.
    local is_elsewhere = is_beside or nonce
    stream.notify(record, record.sequence + 1, is_elsewhere and {} or events, is_elsewhere and '' or blob)
  end
  retire(record, user, entry)
  return 'done'
end
