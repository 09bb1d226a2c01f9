-- Extends a lease, and returns whether the execution was cancelled.

local record, refusal = find(ARGV[OWN])
if not record then return refusal end
if not is_held(record) or deadline(record) <= now then return { 'lost' } end
extend_lease(record)
return { record.cancel == '1' and 'cancel' or 'continue' }
