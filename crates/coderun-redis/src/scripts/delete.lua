-- Deletes an execution with everything that points to it.

local record, refusal = find(ARGV[OWN])
if not record then return refusal end
delete_record(record)
return { 'deleted' }
