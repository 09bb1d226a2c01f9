-- Stores a ticket for an execution, unless it has too many valid ones.

local id, ticket, admission = ARGV[OWN], ARGV[OWN + 1], ARGV[OWN + 2]
local lifetime, tickets_max = tonumber(ARGV[OWN + 3]), tonumber(ARGV[OWN + 4])

-- Counts the valid tickets, and finds when the first and the last of them expire. Deletes expired ones.
local function count_valid(key)
  local valid, first, last = 0, math.huge, now + lifetime
  local tickets = call('HGETALL', key)
  for i = 1, #tickets, 2 do
    local expires = tonumber(string.match(tickets[i + 1], '^%S+'))
    if expires <= now then
      call('HDEL', key, tickets[i])
    else
      valid, first, last = valid + 1, math.min(first, expires), math.max(last, expires)
    end
  end
  return valid, first, last
end

local record, refusal = find(id)
if not record then return refusal end
local key = tickets_key(id)
local valid, first, last = count_valid(key)
-- The call is repeated when the reply to the first attempt is lost.
if call('HEXISTS', key, ticket) == 1 then return { 'issued' } end
if valid >= tickets_max then return { 'too_many', digits(first - now) } end
call('HSET', key, ticket, digits(now + lifetime) .. ' ' .. admission)
expire_with(record, key, math.ceil((last - now + SWEEP_MARGIN) / 1000))
return { 'issued' }
