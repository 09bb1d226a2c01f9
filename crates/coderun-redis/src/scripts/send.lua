-- Appends a piece of input, if there is room for it.

local id, sender, number, piece = ARGV[OWN], ARGV[OWN + 1], ARGV[OWN + 2], ARGV[OWN + 3]
local ends, size, room = ARGV[OWN + 4] == '1', tonumber(ARGV[OWN + 5]), tonumber(ARGV[OWN + 6])
-- The part of a piece's size that is not stored.
local OVERHEAD = size - #piece

-- Deletes pieces that were read, the oldest first, until there is room. Deletes none if that would not be enough.
local function make_room(input)
  local first, bytes = input.first, input.bytes
  while bytes + size > room do
    if first > input.read then return false end
    bytes = bytes - call('HSTRLEN', input_key(id), first) - OVERHEAD
    first = first + 1
  end
  for read = input.first, first - 1 do call('HDEL', input_key(id), read) end
  input.first, input.bytes = first, bytes
  return true
end

local record, refusal = find(id)
if not record then return refusal end
if not record.is_interactive then return { 'not_interactive' } end
if record.status == 'final' then return { 'final' } end
local input = load_input(record)
if last_number_of(input, sender) >= tonumber(number) then return { 'kept' } end
if input.ended then return { 'ended' } end
if not make_room(input) then return { 'full' } end
input.last, input.bytes, input.ended = input.last + 1, input.bytes + size, ends
save_sender(input, sender, number)
save_input(input, 'senders', input.senders, input.last, piece)
if input.is_new then expire_with(record, input_key(id), math.huge) end
call('PUBLISH', prefix .. 'events:' .. id, 'input')
return { 'kept' }
