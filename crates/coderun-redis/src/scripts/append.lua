-- Stores the events of a run that are not stored yet. Each argument is an event in its stored form.

local after = tonumber(ARGV[OWN + 4])
local EVENTS = OWN + 5
-- The number of events in one command.
local BATCH = 1000

local record, refusal = find(ARGV[OWN])
if not record then return refusal end
if not is_held(record) then return { 'lost' } end
local stored = record.sequence - after
-- The worker has stored more events than the record has: the record was lost or replaced.
if stored < 0 then return { 'lost' } end
local first, last = EVENTS + stored, #ARGV
if first > last then return { 'sequence', record.sequence } end
for i = first, last, BATCH do
  call('RPUSH', events_key(record.id), unpack(ARGV, i, math.min(i + BATCH - 1, last)))
end
-- A list that was lost and made again has no end yet.
if call('TTL', events_key(record.id)) < 0 then call('PEXPIRE', events_key(record.id), SHARED_TTL) end
record.sequence = record.sequence + last - first + 1
record.updated = math.max(now, record.updated)
save_record(record)
publish_event(record)
return { 'sequence', record.sequence }
