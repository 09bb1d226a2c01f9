-- Keeps a ticket for an execution, unless as many are good as may be.

local id, ticket, admission = ARGV[OWN], ARGV[OWN + 1], ARGV[OWN + 2]
local lifetime, tickets_max = tonumber(ARGV[OWN + 3]), tonumber(ARGV[OWN + 4])

-- How many tickets are good, and when the first and the last of them expire. Those that are not are deleted.
local function look_through(key)
  local good, first, last = 0, math.huge, now + lifetime
  local tickets = call('HGETALL', key)
  for i = 1, #tickets, 2 do
    local expires = tonumber(string.match(tickets[i + 1], '^%S+'))
    if expires <= now then
      call('HDEL', key, tickets[i])
    else
      good, first, last = good + 1, math.min(first, expires), math.max(last, expires)
    end
  end
  return good, first, last
end

local record, refusal = find(id)
if not record then return refusal end
local key = tickets_key(id)
local good, first, last = look_through(key)
-- The reply to the same call may have been lost.
if call('HEXISTS', key, ticket) == 1 then return { 'issued' } end
if good >= tickets_max then return { 'too_many', digits(first - now) } end
call('HSET', key, ticket, digits(now + lifetime) .. ' ' .. admission)
live_as(record, key, math.ceil((last - now + SWEEP_MARGIN) / 1000))
return { 'issued' }
