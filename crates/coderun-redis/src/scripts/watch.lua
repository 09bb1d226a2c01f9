-- Reads the events after a number. The order of a record distinguishes it from a later one with the same id.

local id, expected, after, count = ARGV[OWN], ARGV[OWN + 1], tonumber(ARGV[OWN + 2]), tonumber(ARGV[OWN + 3])
local OUTCOME = {
  'verdict', 'forced', 'outcome', 'output', 'error_output', 'compile_output', 'compile_error_output',
}

local record, refusal = find(id)
if not record then return refusal end
local incarnation = record.created .. '-' .. record.order
if expected ~= '' and expected ~= incarnation then return { 'absent' } end
local events = call('LRANGE', events_key(id), after, after + count - 1)
-- The final event does not contain the outcome, which is in the record.
local outcome = {}
if record.status == 'final' and after < record.sequence and after + #events >= record.sequence then
  local values = call('HMGET', record_key(id), unpack(OUTCOME))
  for i, field in ipairs(OUTCOME) do
    if values[i] then
      outcome[#outcome + 1] = field
      outcome[#outcome + 1] = values[i]
    end
  end
end
return { 'events', incarnation, record.status, record.sequence, events, outcome }
