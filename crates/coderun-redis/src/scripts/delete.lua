-- Deletes an execution with everything that points to it; the worker of a running one finds its lease lost.

local record, refusal = find(ARGV[OWN])
if not record then return refusal end
local was_running = record.status == 'running'
delete_record(record)
if was_running then tell_worker(record) end
return { 'deleted' }
