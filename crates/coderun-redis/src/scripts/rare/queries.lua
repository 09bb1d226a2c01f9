-- Lists executions, estimates queue positions and counts what waits and runs.

-- The row of an execution in a list: its language, status, verdict and last change. A status never goes back to pending.
local function summary(record)
  local status = record.status
  if status == 'pending' and record.attempt > 0 then status = 'running' end
  return { record.id, language_of(record), status, record.verdict or '', record.created, record.updated }
end

-- Whether an entry in the list of a user is older than another one, which may be deleted.
local function is_older(created, id, than_created, than_id)
  created = tonumber(created)
  return created < than_created or created == than_created and id < than_id
end

-- The entries that one list reads at once, and the most whose records it looks at: what is gone is passed over.
local PAGE, SEARCHED_MAX = 64, 1024

-- Deletes entries of lost records from the list of a user. What is older than any record can be is at its end.
local function forget_entries(key, lost)
  for _, entry in ipairs(lost) do
    local created = tonumber(string.match(entry.text, '^%d+ '))
    if created and created + SHARED_TTL * 1000 <= now then
      if entry.place == 0 then return call('UNLINK', key) end
      return call('LTRIM', key, 0, entry.place - 1)
    end
  end
  for i = #lost, 1, -1 do call('LREM', key, 1, lost[i].text) end
end

-- Lists the executions of one user, newest first. Deletes the entries of lost records.
function steps.list(header)
  local owner, limit, before, before_id = header[3], header[4], header[5], header[6]
  local key, first, searched, lost, rows = executions_key(owner), 0, 0, {}, {}
  local place = before and call('LPOS', key, digits(before) .. ' ' .. before_id)
  if place then first = place + 1 end
  while #rows < limit and searched < SEARCHED_MAX do
    local entries = call('LRANGE', key, first, first + PAGE - 1)
    for i, entry in ipairs(entries) do
      local created, id = string.match(entry, '^(%d+) (%S+)$')
      if not id then
        lost[#lost + 1] = { text = entry, place = first + i - 1 }
      elseif not before or place or is_older(created, id, before, before_id) then
        local record = load_record(id) or load_final(id)
        searched = searched + 1
        if not record or record.lane and call('EXISTS', record_key(id)) == 0 then
          lost[#lost + 1] = { text = entry, place = first + i - 1 }
        elseif not record.is_newer and (record.status ~= 'final' or record.expires > now) then
          rows[#rows + 1] = summary(record)
        end
      end
      if #rows == limit then break end
    end
    if #entries < PAGE then break end
    first = first + PAGE
  end
  forget_entries(key, lost)
  return { rows = rows }
end

-- Estimates the queue position of a waiting execution. Between two turns of its user every other user in its lane has
-- one.
function steps.position(header)
  local record, refusal = find(header[2])
  if not record then return refusal end
  if record.status ~= 'pending' then return 'not_waiting' end
  local ahead = call('LPOS', queue_key(record.owner, record.lane), queue_member(record))
  -- It was passed over because its deadline has passed, so it only waits for the sweep.
  if not ahead then return { position = 1 } end
  local users = call('ZCARD', lane_key(record.lane))
  local turn = call('ZRANK', lane_key(record.lane), record.owner)
  -- A user at their limit of running executions is in no lane, and returns to its end.
  if not turn then users, turn = users + 1, users end
  -- Other users may have fewer executions than turns.
  return { position = math.max(math.min(ahead * users + turn + 1, load_totals().pending), 1) }
end

-- Counts the waiting and the running executions.
function steps.depth()
  load_totals()
  return { depth = { totals.pending, totals.running } }
end
