-- Ends an execution with the outcome that its worker reports.

local OUTCOME = OWN + 4

local record, refusal = find(ARGV[OWN])
if not record then return refusal end
if has_settled(record, 'finished') then return { 'done' } end
if not is_held(record) then return { 'lost' } end
record.settled = 'finished'
local user, totals = load_user(record.owner), load_totals()
conclude(record, user, totals, { unpack(ARGV, OUTCOME) })
save_freed_user(user)
save_totals(totals)
return { 'done' }
