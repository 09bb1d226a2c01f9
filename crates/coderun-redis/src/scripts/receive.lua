-- Reads the input after a position. The attempt that asks has read all input before it.

local after, count = tonumber(ARGV[OWN + 4]), tonumber(ARGV[OWN + 5])

local record, refusal = find(ARGV[OWN])
if not record then return refusal end
if not is_held(record) then return { 'lost' } end
local input = load_input(record)
-- The worker has read more input than there is: the input was lost or replaced.
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
