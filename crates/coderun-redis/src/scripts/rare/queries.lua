-- Lists executions, counts what users hold, and estimates queue positions.

-- The row of an execution in a list: its language, its state or verdict, its times. A state never goes back to pending.
local function summary(record)
  local state = record.verdict or record.status
  if state == 'pending' and record.attempt > 0 then state = 'running' end
  return { record.id, language_of(record), state, record.created, record.updated }
end

-- Whether an entry in the list of a user is older than another one, which may be deleted.
local function is_older(entry, than_created, than_id)
  local created, id = string.match(entry, '^(%d+) (%S+)$')
  created = tonumber(created) or 0
  return created < than_created or created == than_created and id < than_id
end

-- The entries that one list reads at once, and the most whose records it looks at: what is gone is passed over.
local PAGE, SEARCHED_MAX = 64, 1024

-- Lists the executions of one user, newest first.
function steps.list(header)
  local owner, limit, before, before_id = header[3], header[4], header[5], header[6]
  local key, first, searched, rows, has_gone = key_of('u', owner), 0, 0, {}, false
  local place = before and call('LPOS', key, digits(before) .. ' ' .. before_id)
  if place then first = place + 1 end
  while #rows < limit and searched < SEARCHED_MAX do
    local entries = call('LRANGE', key, first, first + PAGE - 1)
    for _, entry in ipairs(entries) do
      if #rows < limit and (not before or place or is_older(entry, before, before_id)) then
        searched = searched + 1
        local record, refusal = listed_record(entry)
        if record then rows[#rows + 1] = summary(record) end
        has_gone = has_gone or refusal == 'absent'
      end
    end
    if #entries < PAGE then break end
    first = first + PAGE
  end
  -- What is gone is at the end of the list, unless older records are kept for longer.
  if has_gone then trim_executions(owner, SEARCHED_MAX) end
  return { rows = rows }
end

-- What a user holds, and what the other users of the partition do. Totals that were lost begin at zero.
function steps.usage(header)
  local user, all = load_user(header[3]), load_totals()
  local others_pending, others_bytes = math.max(all.pending - user.pending, 0), math.max(all.bytes - user.bytes, 0)
  return { usage = {
    user.running, user.bytes, others_pending, others_bytes, { user.pending, rate_of(user) },
  } }
end

-- Estimates the queue position of a waiting execution. Between two turns of its user every other user in its lane has
-- one.
define('position', function(record)
  if record.status ~= 'pending' then return 'not_waiting' end
  local ahead = call('LPOS', key_of('q', record.owner .. ':' .. record.lane), queue_member(record))
  -- It was passed over because its deadline has passed, so it only waits for the sweep.
  if not ahead then return { position = 1 } end
  local users = call('ZCARD', key_of('lane', record.lane))
  local turn = call('ZRANK', key_of('lane', record.lane), record.owner)
  -- A user at their limit of running executions is in no lane, and returns to its end.
  if not turn then users, turn = users + 1, users end
  -- Other users may have fewer executions than turns.
  return { position = math.max(math.min(ahead * users + turn + 1, load_totals().pending), 1) }
end)
