-- Holds a lease for another while, and says whether the owner wants the execution stopped.

local record, refusal = find(ARGV[OWN])
if not record then return refusal end
if not is_held(record) or deadline(record) <= now then return { 'lost' } end
hold(record)
return { record.cancel == '1' and 'cancel' or 'continue' }
