-- Ends an execution as its worker says.

local holder = read_holder()
local OUTCOME = OWN + 4

local record, refusal = find(holder.id)
if not record then return refusal end
local settled = settlement('finished', holder)
if record.settled == settled then return { 'done' } end
if not is_held(record, holder) then return { 'lost' } end
record.settled = settled
local user = load_user(record.owner)
conclude(record, user, { unpack(ARGV, OUTCOME) })
save_freed_user(user)
return { 'done' }
