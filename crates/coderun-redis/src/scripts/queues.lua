-- Reads the queues of users, as the steps before in this group have left them, and the records in them.

-- Reads so many more members of a queue.
local function read_queue(queue, count)
  local known = #queue.read
  local page = call('LRANGE', queue.key, known, known + count - 1)
  for i, member in ipairs(page) do
    queue.read[known + i], queue.ids[known + i] = member, string.match(member, '^(%S+) %d+$') or false
  end
  queue.is_whole = #page < count
end

-- The oldest member of a queue, and the id in it; nil if the queue is empty. The id of a damaged member is `false`.
local function first_in_queue(queue)
  if queue.first > #queue.read and not queue.is_whole then read_queue(queue, 1) end
  local member = queue.read[queue.first]
  if member then return member, queue.ids[queue.first] end
  member = queue.added[queue.first_added]
  return member, member and string.match(member, '^%S+')
end

local function remove_first(queue)
  if queue.read[queue.first] then
    queue.first = queue.first + 1
  else
    queue.first_added = queue.first_added + 1
  end
end

-- The record of an execution, or an empty text if it is large; `false` if it is not there.
local function stored_record(record)
  if record.is_large then return call('EXISTS', key_of('e', record.id)) == 1 and '' end
  return stored_records[record.id] or call('GET', key_of('e', record.id))
end
