-- Returns an execution to the front of the queue, or ends it if it was cancelled.

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
  publish_event(record)
  if save_user(user) then announce_work() end
end
save_totals(totals)
return { 'done' }
