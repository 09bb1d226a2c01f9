-- Ends executions past their deadline or last attempt and those that no worker can run, and deletes expired records.

-- A record of a newer version is left to it, and checked again after this time.
local NEWER_RECHECK = 10 * SECOND

-- The number of entries that one expired record lets the sweep delete in the list of its user.
local TRIMMED_MAX = 16

-- What the sweep that runs has been asked for, and what it has done.
local sweep

-- The members of an index up to a score, without those that this group has changed.
local function due_members(name, latest, skipped)
  local members = call('ZRANGEBYSCORE', base .. name, '-inf', digits(latest), 'LIMIT', skipped, sweep.batch)
  local unchanged = {}
  for _, member in ipairs(members) do
    if scores[name][member] == nil then unchanged[#unchanged + 1] = member end
  end
  return unchanged, #members
end

-- Removes a member whose execution is lost, or in another state, from an index. Counts what it occupied if it is lost.
local function remove_member(name, member, record)
  scores[name][member] = false
  sweep.repaired = sweep.repaired + 1
  local id, owner, lane, size = string.match(member, MEMBER)
  if record or not id then return end
  local user = load_user(owner)
  count(user, name == 'waits' and 'pending' or 'running', -1)
  count(user, 'bytes', -tonumber(size))
  if call('LREM', key_of('q', owner .. ':' .. lane), 1, id .. ' ' .. size) == 1 then count_waiting(user, lane, -1) end
  list_user(user)
  if not finals.load(id) then finals.delete_keys(id) end
end

-- The word for why a waiting execution ends now; nil if it goes on waiting.
local function reason_to_end_waiting(record)
  if deadline(record) <= now then return 'waited_too_long' end
  if sweep.unserved[record.lane] then return 'no_worker' end
end

-- The word for why a running execution ends now; nil if another worker may take it over.
local function reason_to_end_running(record)
  if deadline(record) <= now then return 'ran_too_long' end
  if is_last_attempt(record) then return 'given_up' end
  new_work = 'work'
end

-- Checks the execution of a due member of an index. Returns whether it stays there.
local function check_member(name, member)
  local record = load_record(string.match(member, '^%S+'))
  if record and record.is_newer then
    scores[name][member] = now + NEWER_RECHECK
    return false
  end
  local status = name == 'waits' and 'pending' or 'running'
  if not record or record.status ~= status or index_member(record) ~= member then
    remove_member(name, member, record)
    return false
  end
  if finals.complete_end(record) then
    sweep.repaired = sweep.repaired + 1
    return false
  end
  local why = (name == 'waits' and reason_to_end_waiting or reason_to_end_running)(record)
  if not why then return true end
  if call('EXISTS', key_of('e', record.id)) == 0 then
    remove(record)
    sweep.repaired = sweep.repaired + 1
  else
    end_by_force(record, why)
    sweep.ended = sweep.ended + 1
  end
  return false
end

-- Checks a batch of an index, after those that earlier batches have left there. Returns how many the next batch skips; -1
-- if there is none.
local function sweep_index(name, latest, skipped)
  if skipped < 0 then return skipped end
  local members, found = due_members(name, latest, skipped)
  for _, member in ipairs(members) do
    if check_member(name, member) then skipped = skipped + 1 end
  end
  return found < sweep.batch and -1 or skipped
end

-- Deletes a batch of expired records. Redis deletes their keys by itself, so they may be gone, and an id may have been submitted
-- again. Returns whether the next batch may find more.
local function delete_expired()
  local entries, count, trimmed = call('LRANGE', RETIRED, 0, sweep.batch - 1), 0, {}
  for _, entry in ipairs(entries) do
    local expires, owner, id = string.match(entry, '^(%d+) ?%d* ?(%S*) ?(%S*)$')
    if expires and tonumber(expires) > now then break end
    count = count + 1
    if id and id ~= '' then
      local final = not load_record(id) and finals.load(id)
      if final and not final.is_newer and final.expires <= now then
        finals.delete_keys(id)
        sweep.expired = sweep.expired + 1
      end
      trimmed[owner] = (trimmed[owner] or 0) + TRIMMED_MAX
    end
  end
  for owner, at_most in pairs(trimmed) do trim_executions(owner, at_most) end
  if count > 0 then call('LPOP', RETIRED, count) end
  return count == sweep.batch
end

-- Runs a batch of a sweep, and an audit once nothing is left to do. Returns how many executions have ended, how many records have
-- expired, how many entries were repaired, where the next batch continues, and the languages in which something waits.
function steps.sweep(header)
  local languages, latest = {}, now
  sweep = {
    batch = header[4], unserved = {}, unserved_before = header[8], ended = 0, expired = 0, repaired = 0,
  }
  for _, language in ipairs(header[7]) do
    sweep.unserved[VERSION .. ':' .. language] = true
    latest = math.max(now, sweep.unserved_before + queue_deadline)
  end
  local waits = sweep_index('waits', latest, header[5])
  local leases = sweep_index('leases', now, header[6])
  local has_more = delete_expired()
  for lane in pairs(load_totals().lanes) do
    languages[#languages + 1] = string.match(lane, '^' .. VERSION .. ':(.*)$')
  end
  -- Counts are right only when the sweep has ended what is past its deadline, because a take removes that from its queue.
  if not next(scores.waits) and not next(scores.leases) then sweep.repaired = sweep.repaired + audit() end
  return {
    ended = sweep.ended, expired = sweep.expired, repaired = sweep.repaired, skipped_waits = waits, skipped_leases = leases,
    has_more_expired = has_more, languages = languages,
  }
end
