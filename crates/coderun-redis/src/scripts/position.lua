-- Estimates the place of a waiting execution: with each turn of its user, everybody else in its lane has one.

local function estimate(record, totals)
  local ahead = call('ZRANK', waiting_key(record.owner, record.lane), record.id .. ' ' .. record.size)
  -- What waits for nothing but its end has nobody before it.
  if not ahead then return 1 end
  local users = call('ZCARD', lane_key(record.lane))
  local turn = call('ZRANK', lane_key(record.lane), record.owner)
  -- Whoever is full stands in no lane, and comes back behind all.
  if not turn then users, turn = users + 1, users end
  -- Others may run out of executions before that many turns.
  return math.min(ahead * users + turn + 1, totals.pending)
end

local record, refusal = find(ARGV[OWN])
if not record then return refusal end
if record.status ~= 'pending' then return { 'elsewhere' } end
return { 'position', math.max(estimate(record, load_totals()), 1) }
