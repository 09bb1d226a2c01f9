-- Issues and redeems tickets: a hash beside the record, with the expiry and the admission of each.

-- Counts the valid tickets, and finds when the first and the last of them expire, if another is issued now. Deletes expired
-- ones.
local function count_valid(key, last)
  local valid, first = 0, math.huge
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

-- Stores a ticket for an execution, unless it has too many valid ones.
define('issue', function(record, _, ticket, admission, lifetime, tickets_max)
  local key = key_of('t', record.id)
  local valid, first, last = count_valid(key, now + lifetime)
  -- The call is repeated when the reply to the first attempt is lost.
  if call('HEXISTS', key, ticket) == 1 then return 'issued' end
  if valid >= tickets_max then return { too_many = first - now } end
  call('HSET', key, ticket, digits(now + lifetime) .. ' ' .. admission)
  expire_with(record, key, math.ceil((last - now + FINAL_MARGIN) / 1000))
  return 'issued'
end)

-- Deletes a ticket and returns its admission.
define('redeem', function(record, _, ticket)
  local key = key_of('t', record.id)
  local stored = call('HGET', key, ticket)
  if not stored then return 'absent' end
  call('HDEL', key, ticket)
  local expires, admission = string.match(stored, '^(%S+) (.*)$')
  if tonumber(expires) <= now then return 'absent' end
  return { admitted = admission }
end)
