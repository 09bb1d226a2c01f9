-- Reads and writes the input of an execution: a hash with the pieces by number, a header with counts, and the last
-- piece of each sender.

local HEADER = '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$'
-- The oldest sender is dropped when there are more: `StorePolicy::SENDERS_KEPT`.
local SENDERS_MAX = 64

-- The header and the senders.
local function load_input(record)
  local values = call('HMGET', input_key(record.id), 'header', 'senders')
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
  call('HSET', input_key(input.id), 'header', header, ...)
end

-- The number of the last piece of a sender.
local function last_number_of(input, sender) return tonumber(string.match(input.senders, ' ' .. sender .. '=(%d+)') or '0') end

-- Stores the number of the last piece of a sender, and makes it the newest sender.
local function save_sender(input, sender, number)
  local others, count = string.gsub(input.senders, ' ' .. sender .. '=%d+', '')
  local _, sender_count = string.gsub(others, '=', '')
  if count == 0 and sender_count >= SENDERS_MAX then others = string.gsub(others, '^ [^ ]+', '') end
  input.senders = others .. ' ' .. sender .. '=' .. number
end
