-- Deletes an execution and all references to it. The worker of a running one loses its lease.

local record, refusal = find(ARGV[OWN])
if not record then return refusal end
local was_running = record.status == 'running'
delete_record(record)
if was_running then publish_cancellation(record) end
return { 'deleted' }
