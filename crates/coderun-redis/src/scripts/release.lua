-- Lets an execution wait again, before all others; one that is to be stopped ends instead.

local holder = read_holder()
local cancelled_verdict, cancelled = ARGV[OWN + 4], ARGV[OWN + 5]

local record, refusal = find(holder.id)
if not record then return refusal end
local settled = settlement('released', holder)
if record.settled == settled then return { 'done' } end
if not is_held(record, holder) then return { 'lost' } end
record.settled = settled
local user = load_user(record.owner)
leave_state(record, user)
move(record, 'pending')
store_update(record)
wait_for_worker(record, user)
if record.cancel == '1' then
  conclude_by_force(record, user, cancelled_verdict, cancelled)
  save_freed_user(user)
else
  user.turn = add_to_total('first_turn', -1)
  save_record(record)
  if save_user(user) then announce_work() end
end
return { 'done' }
