-- Accepts an execution and adds it to the queue, or changes nothing.

local MINUTE = 60 * 1000000
local id, owner, language = ARGV[OWN], ARGV[OWN + 1], ARGV[OWN + 2]
local size, budget, created = ARGV[OWN + 3], ARGV[OWN + 4], ARGV[OWN + 5]
local pending_max, bytes_max = tonumber(ARGV[OWN + 6]), tonumber(ARGV[OWN + 7])
local user_pending_max, user_bytes_max = tonumber(ARGV[OWN + 8]), tonumber(ARGV[OWN + 9])
local submits_max = tonumber(ARGV[OWN + 10])
-- The totals of the other partitions, as last read: a step sees only its own.
local pending_elsewhere, bytes_elsewhere = tonumber(ARGV[OWN + 11]), tonumber(ARGV[OWN + 12])
local SUBMISSION = OWN + 13

-- Checks the rate limit. Times older than a minute are dropped when the list is full.
local function check_rate(key)
  if submits_max == 0 then return nil end
  local submits = call('LLEN', key)
  while submits >= submits_max do
    local oldest = tonumber(call('LINDEX', key, 0))
    if oldest + MINUTE > now then return { 'quota', 'submits', submits_max, digits(oldest + MINUTE - now) } end
    call('LPOP', key)
    submits = submits - 1
  end
end

local function record_submit(key)
  if submits_max == 0 then return end
  call('RPUSH', key, digits(now))
  call('PEXPIRE', key, MINUTE / 1000)
end

local function check_room(user, totals)
  if user.pending >= user_pending_max then return { 'quota', 'pending', user_pending_max, 0 } end
  -- A user without live executions may submit any size: otherwise a large one would be refused for ever.
  if user.bytes > 0 and user.bytes + size > user_bytes_max then return { 'quota', 'pending', user.pending, 0 } end
  local pending, bytes = totals.pending + pending_elsewhere, totals.bytes + bytes_elsewhere
  if pending >= pending_max or bytes + size > bytes_max then return { 'full' } end
end

local function store(user, totals)
  totals.order = totals.order + 1
  local record = {
    id = id, owner = owner, lane = VERSION .. ':' .. language, size = size, budget = tonumber(budget),
    order = digits(totals.order), created = created, status = 'pending', attempt = 0, sequence = 1,
    updated = tonumber(created), worker = '', started = 0,
    cancel = '0', settled = 'none', expires = 0, lives_until = 0, takeovers = 0,
  }
  local fixed = table.concat({
    VERSION, owner, record.lane, size, budget, record.order, created,
  }, ' ')
  store_update(record)
  call('PEXPIRE', executions_key(owner), SHARED_TTL)
  put(executions_key(owner), created, id)
  if next(user.lanes) == nil then user.turn = turn_behind_all(totals) end
  wait_for_worker(record, user, totals)
  count(user, totals, 'bytes', size)
  save_record(record, { 'fixed', fixed, unpack(ARGV, SUBMISSION) })
  if save_user(user) then announce_work() end
  save_totals(totals)
end

local existing = load_record(id)
if existing and existing.is_newer then return { 'newer' } end
if existing and existing.status == 'final' and existing.expires <= now then
  delete_record(existing)
  existing = nil
end
if existing then return { 'exists', call('HGETALL', record_key(id)) } end
local submits_key = base .. 'user:' .. owner .. ':submits'
local user, totals = load_user(owner), load_totals()
local refusal = check_rate(submits_key) or check_room(user, totals)
if refusal then return refusal end
record_submit(submits_key)
store(user, totals)
return { 'accepted' }
