-- Accepts an execution: as a waiting one, or under a lease of the worker that offers to run it at once.

-- Writes the entries of new executions in the list of their user.
writers[#writers + 1] = function()
  for owner, user in pairs(users) do
    local entries = user and user.entries
    if entries then
      local key = key_of('u', owner)
      if call('LPUSH', key, unpack(entries)) == #entries then call('PEXPIRE', key, SHARED_TTL) end
    end
  end
end

-- Whether a user who holds `held` may hold `amount` more of a total: the rule of `SharedBound` in the domain.
local function admits(total, held, others, amount)
  local wanted, reserve = held + amount, math.floor(total / 4)
  if wanted + others > total then return false end
  local free = total - reserve - others
  local is_alone = held == 0 and others == 0
  return wanted <= (is_alone and free or free / 3) or wanted <= math.max(math.floor(reserve / 1024), 1)
end

-- The refusal by a bound that all users share.
local function shared_refusal(user, total, held, others, amount)
  if admits(total, held, others, amount) then return nil end
  return admits(total, 0, others, amount) and { share = user.pending } or 'full'
end

-- The refusal by a quota of the user or a bound of all users. The totals of the other partitions are those that the caller
-- has read last: a group sees only its own.
local function refusal(user, size, pending_elsewhere, bytes_elsewhere)
  local submits, reset = rate_of(user)
  if submits_max > 0 and submits >= submits_max then return { submits_per_minute = { submits_max, reset } } end
  if user.pending >= user_pending_max then return { pending = user_pending_max } end
  local others_pending = totals.pending - user.pending + pending_elsewhere
  local others_bytes = totals.bytes - user.bytes + bytes_elsewhere
  return shared_refusal(user, pending_max, user.pending, others_pending, 1)
    or shared_refusal(user, bytes_max, user.bytes, others_bytes, size)
end

-- Stores the record, if there is none.
local function store_new(record, blob, nonce)
  local key = key_of('e', record.id)
  local ttl = digits((queue_deadline + record.budget + run_grace + retention + LIVE_MARGIN) / 1000)
  if not nonce then return call('SET', key, blob, 'NX', 'PX', ttl) end
  local is_new = call('RENAMENX', key_of('s', nonce), key) == 1
  if is_new then call('PEXPIRE', key, ttl) end
  return is_new
end

-- Whether an execution of this user may run at once: nothing could be taken before it, in any lane.
local function may_start(user)
  if user.running >= running_max then return false end
  for lane in pairs(totals.lanes) do
    if first_in_lane(lane, 1) then return false end
  end
  return not expired_lease(1)
end

local function wait_for_worker(record, user)
  count(user, 'pending', 1)
  if next(user.lanes) == nil then user.turn = turn_behind_all() end
  local added = load_queue(user, record.lane).added
  added[#added + 1] = queue_member(record)
  count_waiting(user, record.lane, 1)
  list_user(user)
  scores.waits[index_member(record)] = deadline(record)
  save_record(record)
end

local function new_record(header)
  local _, id, owner, lane, size, budget, created, is_interactive, _, nonce = unpack(header, 1, 10)
  totals.order = totals.order + 1
  local record = {
    id = id, status = 'pending', attempt = 0, sequence = 1, updated = created, started = 0, worker = '', token = 0,
    takeovers = 0, created = created, is_cancelled = false, is_released = false, is_streamed = false,
    is_interactive = is_interactive, is_large = nonce ~= nil, owner = owner, lane = lane, size = size, budget = budget,
    order = totals.order, watchers = {},
  }
  record.lives_until = deadline(record) + budget + run_grace + retention
  return record
end

-- The answers, with what the user has used of their quotas. That of a lease, a map of `leased` to four values, is encoded here:
-- tables would cost an execution 3 % more instructions of the server.
local function leased(record, user)
  return nil, '\129\166leased\148' .. encode(record.started, user.pending, rate_of(user))
end
local function exists(user) return { exists = { user.pending, rate_of(user) } } end

-- The answer for an execution that is live already. A repetition with the same offer gets its lease again.
local function repeated(record, user, worker, token)
  if record.is_newer then return 'newer' end
  if worker and record.token == token and is_held(record, worker, record.started, 1) then return leased(record, user) end
  return exists(user)
end

-- Stores a record, or returns why not. That there is one comes before a refusal; one that has expired is overwritten.
local function store(record, user, blob, nonce, refused)
  if not refused and store_new(record, blob, nonce) then return nil end
  local existing = finals.load(record.id)
  if existing and existing.is_newer then return 'newer' end
  if existing and existing.expires > now then return exists(user) end
  if refused then return refused end
  finals.delete_keys(record.id)
  store_new(record, blob, nonce)
end

-- Header: lane, size, budget, created, whether it is interactive, its entry in the list of its user, the nonce of a staged
-- record or nil, pending and bytes elsewhere, and the worker that offers to run it and its token, or nil.
function steps.submit(header, blob)
  local id, owner, size = header[2], header[3], header[5]
  local entry, nonce, pending_elsewhere, bytes_elsewhere, worker, token = unpack(header, 9, 14)
  if nonce and call('EXISTS', key_of('s', nonce)) == 0 then return 'unstaged' end
  local existing, user = load_record(id), load_user(owner)
  if existing then
    discard(nonce)
    return repeated(existing, user, worker, token)
  end
  load_totals()
  local record = new_record(header)
  local refused = refusal(user, size, pending_elsewhere, bytes_elsewhere)
  local starts = worker and not refused and may_start(user)
  refused = store(record, user, blob, nonce, refused)
  if refused then
    discard(nonce)
    return refused
  end
  user.entries = user.entries or {}
  user.entries[#user.entries + 1] = entry
  count_submission(user)
  -- A take in this group must not read it again.
  stored_records[id] = not nonce and blob or nil
  count(user, 'bytes', size)
  if starts then
    start(record, user, worker, token)
    return leased(record, user)
  end
  wait_for_worker(record, user)
  return { accepted = { user.pending, rate_of(user) } }
end
