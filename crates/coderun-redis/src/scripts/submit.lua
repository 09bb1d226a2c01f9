-- Accepts an execution as a waiting one, or changes nothing.

local MINUTE = 60 * 1000000
local id, owner, language = ARGV[OWN], ARGV[OWN + 1], ARGV[OWN + 2]
local size, budget, created = tonumber(ARGV[OWN + 3]), tonumber(ARGV[OWN + 4]), tonumber(ARGV[OWN + 5])
local pending_max, bytes_max = tonumber(ARGV[OWN + 6]), tonumber(ARGV[OWN + 7])
local user_pending_max, user_bytes_max = tonumber(ARGV[OWN + 8]), tonumber(ARGV[OWN + 9])
local submits_max = tonumber(ARGV[OWN + 10])
-- What waits in other partitions, as last known: this one sees only its own.
local pending_elsewhere, bytes_elsewhere = tonumber(ARGV[OWN + 11]), tonumber(ARGV[OWN + 12])
local SUBMISSION = OWN + 13

local function check_rate(key)
  if submits_max == 0 then return nil end
  local oldest = redis.call('LINDEX', key, 0)
  while oldest and tonumber(oldest) + MINUTE <= now do
    redis.call('LPOP', key)
    oldest = redis.call('LINDEX', key, 0)
  end
  if redis.call('LLEN', key) >= submits_max then
    return { 'quota', 'submits', submits_max, digits(tonumber(oldest) + MINUTE - now) }
  end
end

local function record_submit(key)
  if submits_max == 0 then return end
  -- The clock may have gone back; the list stays in order.
  local last = tonumber(redis.call('LINDEX', key, -1) or 0)
  redis.call('RPUSH', key, digits(math.max(now, last)))
  redis.call('PEXPIRE', key, SHARED_TTL)
end

local function check_places(user)
  if user.pending >= user_pending_max then return { 'quota', 'pending', user_pending_max, 0 } end
  -- Whoever has nothing alive may always submit one, however large: else it would be refused for ever.
  if user.bytes > 0 and user.bytes + size > user_bytes_max then return { 'quota', 'pending', user.pending, 0 } end
  local totals = redis.call('HMGET', TOTALS, 'pending', 'bytes')
  local pending, bytes = tonumber(totals[1] or 0) + pending_elsewhere, tonumber(totals[2] or 0) + bytes_elsewhere
  if pending >= pending_max or bytes + size > bytes_max then return { 'full' } end
end

local function store(user)
  local record = {
    id = id, owner = owner, lane = VERSION .. ':' .. language, size = size, budget = budget, status = 'pending',
    order = add_to_total('order', 1), created = created, attempt = 0, sequence = 1, updated = created, worker = '',
    started = 0, cancel = '0', settled = '',
  }
  redis.call('HSET', record_key(id), 'version', VERSION, 'owner', owner, 'language', language, 'size', size, 'budget',
    budget, 'order', record.order, 'created', created, unpack(ARGV, SUBMISSION))
  store_update(record)
  put(user_key(owner, 'executions'), created, id)
  if next(user.lanes) == nil then user.turn = add_to_total('last_turn', 1) end
  wait_for_worker(record, user)
  count(user, 'bytes', size)
  save_record(record)
  if save_user(user) then announce_work() end
end

local there, refusal = find(id)
if there then return { 'there', whole(there) } end
if refusal[1] == 'newer' then return refusal end
local submits_key = user_key(owner, 'submits')
local user = load_user(owner)
refusal = check_rate(submits_key) or check_places(user)
if refusal then return refusal end
record_submit(submits_key)
store(user)
return { 'accepted' }
