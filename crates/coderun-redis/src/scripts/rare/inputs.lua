-- Stores the input of an execution: a hash with the pieces by number, a header with counts, the last piece of each sender,
-- and when somebody was last known to watch the execution.

local HEADER = '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$'
-- The oldest sender is dropped when there are more: `StorePolicy::SENDERS_KEPT`.
local SENDERS_MAX = 64

-- The header and the senders.
local function load_input(record)
  local values = call('HMGET', key_of('i', record.id), 'header', 'senders')
  local input = { id = record.id, senders = values[2] or '', is_new = not values[1] }
  local first, last, bytes, read, attempt, ended = string.match(values[1] or '1 0 0 0 0 0', HEADER)
  input.first, input.last, input.bytes, input.read = tonumber(first), tonumber(last), tonumber(bytes), tonumber(read)
  input.ended = ended == '1'
  -- A new attempt reads the input from the start, including what an earlier one has read.
  if record.status ~= 'running' or record.attempt ~= tonumber(attempt) then input.read = 0 end
  input.attempt = record.attempt
  return input
end

-- Stores the header, and more fields if there are any.
local function save_input(input, ...)
  local header = table.concat({
    input.first, input.last, input.bytes, input.read, input.attempt, input.ended and '1' or '0',
  }, ' ')
  call('HSET', key_of('i', input.id), 'header', header, ...)
end

-- The number of the last piece of a sender.
local function last_number_of(input, sender) return tonumber(string.match(input.senders, ' ' .. sender .. '=(%d+)') or '0') end

-- Stores the number of the last piece of a sender, and makes it the newest sender.
local function save_sender(input, sender, number)
  local others, count = string.gsub(input.senders, ' ' .. sender .. '=%d+', '')
  local _, sender_count = string.gsub(others, '=', '')
  if count == 0 and sender_count >= SENDERS_MAX then others = string.gsub(others, '^ [^ ]+', '') end
  input.senders = others .. ' ' .. sender .. '=' .. digits(number)
end

-- Deletes pieces that were read, the oldest first, until there is room. Deletes none if that would not be enough.
-- `overhead` is the part of a piece's size that is not stored.
local function make_room(input, size, overhead, room)
  local first, bytes = input.first, input.bytes
  while bytes + size > room do
    if first > input.read then return false end
    bytes = bytes - call('HSTRLEN', key_of('i', input.id), first) - overhead
    first = first + 1
  end
  for read = input.first, first - 1 do call('HDEL', key_of('i', input.id), read) end
  input.first, input.bytes = first, bytes
  return true
end

-- Appends a piece of input, if there is room for it.
define('send', function(record, piece, sender, number, ends, size, room)
  if record.status == 'final' then return 'final' end
  if not record.is_interactive then return 'not_interactive' end
  local input = load_input(record)
  if last_number_of(input, sender) >= number then return 'kept' end
  if input.ended then return 'ended' end
  if not make_room(input, size, size - #piece, room) then return 'full' end
  input.last, input.bytes, input.ended = input.last + 1, input.bytes + size, ends
  save_sender(input, sender, number)
  save_input(input, 'senders', input.senders, input.last, piece)
  if input.is_new then expire_with(record, key_of('i', record.id), math.huge) end
  signal('input ' .. record.id)
  return 'kept'
end)

-- Reads the input after a position. The attempt that asks has read all input before it.
define('receive', function(record, _, worker, started, attempt, after, count)
  if not is_held(record, worker, started, attempt) then return 'lost' end
  local input = load_input(record)
  -- The worker has read more input than there is: the input was lost or replaced.
  if after > input.last then return 'lost' end
  if after + 1 < input.first then return 'forgotten' end
  if after > input.read then
    input.read = after
    save_input(input)
  end
  local numbers = {}
  for number = after + 1, math.min(after + count, input.last) do numbers[#numbers + 1] = number end
  if #numbers == 0 then return { input = {} } end
  local pieces = call('HMGET', key_of('i', record.id), unpack(numbers))
  for _, piece in ipairs(pieces) do
    if not piece then return 'lost' end
  end
  return { input = pieces }
end)

-- Notes that somebody watches an execution that takes input.
define('note_watcher', function(record)
  if record.status == 'final' or not record.is_interactive then return 'done' end
  local key = key_of('i', record.id)
  if call('HSET', key, 'watched', digits(now)) == 1 then expire_with(record, key, math.huge) end
  return 'done'
end)
