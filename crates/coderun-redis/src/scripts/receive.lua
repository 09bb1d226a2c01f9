-- Reads the input behind a position. All before it counts as read by the attempt that asks.

local after, count = tonumber(ARGV[OWN + 4]), tonumber(ARGV[OWN + 5])

local record, refusal = find(ARGV[OWN])
if not record then return refusal end
if not is_held(record) then return { 'lost' } end
local input = load_input(record)
-- A worker that has read more than there is has read something else.
if after > input.last then return { 'lost' } end
if after + 1 < input.first then return { 'forgotten' } end
if after > input.read then
  input.read = after
  save_input(input)
end
local numbers = {}
for number = after + 1, math.min(after + count, input.last) do numbers[#numbers + 1] = number end
if #numbers == 0 then return { 'input', {} } end
return { 'input', call('HMGET', input_key(record.id), unpack(numbers)) }
