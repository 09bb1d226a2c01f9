-- Ends a waiting execution as cancelled, or asks the worker of a running one to stop it.

local id, cancelled_verdict, cancelled = ARGV[OWN], ARGV[OWN + 1], ARGV[OWN + 2]

local record, refusal = find(id)
if not record then return refusal end
local word = 'final'
if record.status == 'running' then
  word = 'requested'
  record.cancel = '1'
  save_record(record)
  publish_cancellation(record)
elseif record.status == 'pending' then
  word = 'ended'
  local user, totals = load_user(record.owner), load_totals()
  conclude_by_force(record, user, totals, cancelled_verdict, cancelled)
  save_freed_user(user)
  save_totals(totals)
end
return { word, call('HGETALL', record_key(id)) }
