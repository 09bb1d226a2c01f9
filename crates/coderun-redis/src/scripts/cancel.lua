-- Ends a waiting execution as cancelled; asks the worker of a running one to stop it.

local id, cancelled_verdict, cancelled = ARGV[OWN], ARGV[OWN + 1], ARGV[OWN + 2]

local record, refusal = find(id)
if not record then return refusal end
if record.status == 'final' then return { 'final', whole(record) } end
if record.status == 'running' then
  redis.call('HSET', record_key(id), 'cancel', '1')
  redis.call('PUBLISH', prefix .. 'signals', 'cancel ' .. id)
  return { 'requested', whole(record) }
end
local user = load_user(record.owner)
conclude_by_force(record, user, cancelled_verdict, cancelled)
save_freed_user(user)
return { 'ended', whole(record) }
