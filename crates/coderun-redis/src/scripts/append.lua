-- Stores those pieces of output that are not stored yet. Each comes as the event that is stored.

local after = tonumber(ARGV[OWN + 4])
local PIECES = OWN + 5
-- As many as go into one command.
local BATCH = 1000

local record, refusal = find(ARGV[OWN])
if not record then return refusal end
if not is_held(record) then return { 'lost' } end
local known = record.sequence - after
-- A worker that knows of more than there is has written to something else.
if known < 0 then return { 'lost' } end
local first, last = PIECES + known, #ARGV
if first > last then return { 'sequence', record.sequence } end
for i = first, last, BATCH do
  call('RPUSH', events_key(record.id), unpack(ARGV, i, math.min(i + BATCH - 1, last)))
end
-- Where the list was lost, this has made a new one.
if call('TTL', events_key(record.id)) < 0 then call('PEXPIRE', events_key(record.id), SHARED_TTL) end
record.sequence = record.sequence + last - first + 1
record.updated = math.max(now, record.updated)
save_record(record)
tell_watchers(record)
return { 'sequence', record.sequence }
