-- Ends executions past their deadline or last attempt, and deletes expired ones: at most `batch` of them.

local batch = tonumber(ARGV[OWN])
local failed_verdict, ran_too_long, waited_too_long, given_up = ARGV[OWN + 1], ARGV[OWN + 2], ARGV[OWN + 3], ARGV[OWN + 4]
-- Records of a newer version are left to it, and checked again after this time.
local NEWER_RECHECK = 10 * 1000000
local ended, expired = 0, 0

-- Removes all references to a lost record.
local function clean_up(member)
  call('ZREM', TIMETABLE, member)
  local id, owner, lane, size = string.match(member, '^(%S+) (%S+) (%S+) (%S+)$')
  call('ZREM', executions_key(owner), id)
  delete_keys(id)
  local user, totals = load_user(owner), load_totals()
  local waited = leave_lane(user, totals, lane, id, size)
  local ran = call('ZREM', LEASES, lane .. ' ' .. id) == 1
  if waited then count(user, totals, 'pending', -1) end
  if ran then user.running = math.max(user.running - 1, 0) end
  if waited or ran then count(user, totals, 'bytes', -tonumber(size)) end
  save_freed_user(user)
  save_totals(totals)
end

local function reason(record)
  if record.status == 'running' and deadline(record) <= now then return ran_too_long end
  if record.status == 'running' and is_last_attempt(record) then return given_up end
  if record.status == 'pending' and deadline(record) <= now then return waited_too_long end
end

local function end_by_force(record)
  local why = reason(record)
  if not why then return schedule(record, deadline(record)) end
  local user, totals = load_user(record.owner), load_totals()
  conclude_by_force(record, user, totals, failed_verdict, why)
  save_freed_user(user)
  save_totals(totals)
  ended = ended + 1
end

local function check(member)
  local record = load_record(string.match(member, '^%S+'))
  if not record then
    clean_up(member)
  elseif record.is_newer then
    put(TIMETABLE, now + NEWER_RECHECK, member)
  elseif record.status ~= 'final' then
    end_by_force(record)
  elseif record.expires <= now then
    delete_record(record)
    expired = expired + 1
  else
    schedule(record, record.expires)
  end
end

-- Extends the lifetime of sets whose members may stay the same for days.
for _, key in ipairs({ TIMETABLE, LEASES }) do call('PEXPIRE', key, SHARED_TTL) end
for lane in pairs(load_totals().lanes) do call('PEXPIRE', lane_key(lane), SHARED_TTL) end
local due = call('ZRANGEBYSCORE', TIMETABLE, '-inf', now, 'LIMIT', 0, batch)
for _, member in ipairs(due) do check(member) end
return { #due, ended, expired }
