-- Estimates the queue position of a waiting execution. Between two turns of its user every other user in its lane has
-- one.

local function estimate(record, totals)
  local ahead = call('ZRANK', waiting_key(record.owner, record.lane), record.id .. ' ' .. record.size)
  -- It was passed over because its deadline has passed, so it only waits for the sweep.
  if not ahead then return 1 end
  local users = call('ZCARD', lane_key(record.lane))
  local turn = call('ZRANK', lane_key(record.lane), record.owner)
  -- A user at their limit of running executions is in no lane, and returns to its end.
  if not turn then users, turn = users + 1, users end
  -- Other users may have fewer executions than turns.
  return math.min(ahead * users + turn + 1, totals.pending)
end

local record, refusal = find(ARGV[OWN])
if not record then return refusal end
if record.status ~= 'pending' then return { 'not_waiting' } end
return { 'position', math.max(estimate(record, load_totals()), 1) }
