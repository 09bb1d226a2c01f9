-- Lists the executions of one user, newest first, without their texts.

local owner, limit, before, before_id = ARGV[OWN], tonumber(ARGV[OWN + 1]), ARGV[OWN + 2], ARGV[OWN + 3]
local PAGE = 64
local summaries, lost, seen = {}, {}, 0

local function look_at(id, created)
  -- Executions of the same time stand in the order of their ids.
  if before ~= '+inf' and tonumber(created) == tonumber(before) and id >= before_id then return end
  local values = call('HMGET', record_key(id), 'language', 'state', 'verdict')
  if not values[2] then
    lost[#lost + 1] = id
    return
  end
  local status, attempt, updated, expires = string.match(values[2], '^(%S+) (%S+) %S+ (%S+) %S+ %S+ %S+ (%S+)')
  -- What clients see never goes back to pending.
  if status == 'pending' and attempt ~= '0' then status = 'running' end
  -- The state of a newer version may look different; whoever understands it lists it.
  if status and (status ~= 'final' or tonumber(expires) > now) then
    summaries[#summaries + 1] = { id, values[1], status, values[3] or '', created, updated }
  end
end

while #summaries < limit do
  local page = call('ZREVRANGEBYSCORE', executions_key(owner), before, '-inf', 'WITHSCORES', 'LIMIT', seen, PAGE)
  for i = 1, #page, 2 do
    if #summaries < limit then look_at(page[i], page[i + 1]) end
  end
  if #page < 2 * PAGE then break end
  seen = seen + PAGE
end
for _, id in ipairs(lost) do call('ZREM', executions_key(owner), id) end
return summaries
