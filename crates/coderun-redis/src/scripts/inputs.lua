-- Input that was sent to an execution: a hash of pieces by their numbers, with a header that counts them, and what is known
-- of those who sent them.

local HEADER = '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$'
-- A sender is forgotten when so many others have sent something after it: `StorePolicy::SENDERS_KEPT`.
local SENDERS_MAX = 64

-- What is kept of the input of an execution.
local function load_input(record)
  local values = call('HMGET', input_key(record.id), 'header', 'senders')
  local input = { id = record.id, senders = values[2] or '', is_new = not values[1] }
  local first, last, bytes, read, attempt, ended = string.match(values[1] or '1 0 0 0 0 0', HEADER)
  input.first, input.last, input.bytes, input.read = tonumber(first), tonumber(last), tonumber(bytes), tonumber(read)
  input.ended = ended == '1'
  -- What an earlier attempt has read is still to be read by this one, or by the next.
  if record.status ~= 'running' or record.attempt ~= tonumber(attempt) then input.read = 0 end
  input.attempt = record.attempt
  return input
end

-- Stores what changes with every step, and more fields if there are any.
local function save_input(input, ...)
  local header = table.concat({
    input.first, input.last, input.bytes, input.read, input.attempt, input.ended and '1' or '0',
  }, ' ')
  call('HSET', input_key(input.id), 'header', header, ...)
end

-- The number of the last piece that is known of a sender.
local function last_of(input, sender) return tonumber(string.match(input.senders, ' ' .. sender .. '=(%d+)') or '0') end

-- Notes the last piece of a sender, who is now the last to have sent something.
local function note_sender(input, sender, number)
  local others, count = string.gsub(input.senders, ' ' .. sender .. '=%d+', '')
  local _, known = string.gsub(others, '=', '')
  if count == 0 and known >= SENDERS_MAX then others = string.gsub(others, '^ [^ ]+', '') end
  input.senders = others .. ' ' .. sender .. '=' .. number
end
