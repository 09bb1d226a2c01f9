-- Answers what has happened to an execution since an event, and makes later steps tell a process.

-- Makes later steps tell this process for some time. What others have asked for ends by itself.
local function add_watcher(record, watcher, lifetime)
  local watchers, is_fresh = { watcher, now + lifetime }, false
  for i = 1, #record.watchers, 2 do
    local other, ends = record.watchers[i], record.watchers[i + 1]
    if other == watcher then
      is_fresh = ends > now + lifetime / 2
    elseif ends > now then
      watchers[#watchers + 1] = other
      watchers[#watchers + 1] = ends
    end
  end
  if is_fresh then return end
  record.watchers = watchers
  save_record(record)
end

-- Header: process, how long it watches, number of the last event that it knows, the most events of the answer. The events
-- of a final execution are read without a script.
function steps.watch(header)
  local id, watcher, lifetime, after, at_most = header[2], unpack(header, 4, 7)
  local record, refusal = finals.find(id)
  if not record then return refusal end
  if record.status == 'final' then
    return { final = { record.created, record.sequence, record.is_streamed } }
  end
  add_watcher(record, watcher, lifetime)
  local events = {}
  if record.is_streamed then
    events = call('LRANGE', key_of('v', id), after, after + at_most - 1)
  else
    for number, event in ipairs(stream.first_events(record)) do
      if number > after then events[#events + 1] = event end
    end
  end
  return { live = { record.created, record.sequence, events } }
end
