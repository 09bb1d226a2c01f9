-- Counts the submissions of users in the last minute.
--
-- The value of a user is pairs of a time and a number, oldest first: so many submissions in one second, with the time of the last
-- of them. So they count for a minute at least, and the value has a bounded size whatever the quota is.

local RATE_TTL = digits(MINUTE / 1000)

local rates = {}

local function read_rate(value)
  local stored, rate = { cmsgpack.unpack(value) }, { submits = 0 }
  for i = 1, #stored, 2 do
    local at, number = stored[i], stored[i + 1]
    if not (number > 0) then return nil end
    if at > now - MINUTE then
      rate[#rate + 1], rate[#rate + 2] = at, number
      rate.submits = rate.submits + number
    end
  end
  return rate
end

local function load_rate(owner)
  local rate = rates[owner]
  if not rate then
    rate = decode(call('GET', key_of('m', owner)), read_rate) or { submits = 0 }
    rates[owner] = rate
  end
  return rate
end

-- The submissions of a user that count, and the time until the oldest of them does not; zeros without a quota.
local function rate_of(user)
  if submits_max == 0 then return 0, 0 end
  local rate = load_rate(user.owner)
  return rate.submits, rate[1] and rate[1] + MINUTE - now or 0
end

local function count_submission(user)
  if submits_max == 0 then return end
  local rate = load_rate(user.owner)
  local last = #rate - 1
  -- The clocks of processes differ; times stay in order.
  local at = math.max(now, rate[last] or 0)
  if last > 0 and math.floor(rate[last] / SECOND) == math.floor(at / SECOND) then
    rate[last], rate[last + 1] = at, rate[last + 1] + 1
  else
    rate[last + 2], rate[last + 3] = at, 1
  end
  rate.submits, rate.is_changed = rate.submits + 1, true
end

writers[#writers + 1] = function()
  for owner, rate in pairs(rates) do
    if rate.is_changed then call('SET', key_of('m', owner), encode(unpack(rate)), 'PX', RATE_TTL) end
  end
end
