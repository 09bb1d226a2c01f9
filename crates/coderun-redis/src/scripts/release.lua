-- Lets an execution wait again, before all others; one that is to be stopped ends instead.

local cancelled_verdict, cancelled = ARGV[OWN + 4], ARGV[OWN + 5]

local record, refusal = find(ARGV[OWN])
if not record then return refusal end
if has_settled(record, 'released') then return { 'done' } end
if not is_held(record) then return { 'lost' } end
record.settled = 'released'
local user, totals = load_user(record.owner), load_totals()
leave_state(record, user, totals)
move(record, 'pending')
wait_for_worker(record, user, totals)
if record.cancel == '1' then
  conclude_by_force(record, user, totals, cancelled_verdict, cancelled)
  save_freed_user(user)
else
  totals.first_turn = totals.first_turn - 1
  user.turn = totals.first_turn
  save_record(record)
  tell_watchers(record)
  if save_user(user) then announce_work() end
end
save_totals(totals)
return { 'done' }
