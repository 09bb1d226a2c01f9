-- Lists the executions of one user, newest first, without their texts.

local owner, limit, before, before_id = ARGV[OWN], tonumber(ARGV[OWN + 1]), ARGV[OWN + 2], ARGV[OWN + 3]
local PAGE = 64
local summaries, lost, seen = {}, {}, 0

local function add_summary(id, created)
  -- Executions with the same time are ordered by id.
  if before ~= '+inf' and tonumber(created) == tonumber(before) and id >= before_id then return end
  local values = call('HMGET', record_key(id), 'language', 'state', 'verdict')
  if not values[2] then
    lost[#lost + 1] = id
    return
  end
  local status, attempt, updated, expires = string.match(values[2], '^(%S+) (%S+) %S+ (%S+) %S+ %S+ %S+ (%S+)')
  -- A client never sees a status go back to pending.
  if status == 'pending' and attempt ~= '0' then status = 'running' end
  -- The state of a newer version may have another form: only a newer process lists it.
  if status and (status ~= 'final' or tonumber(expires) > now) then
    summaries[#summaries + 1] = { id, values[1], status, values[3] or '', created, updated }
  end
end

while #summaries < limit do
  local page = call('ZREVRANGEBYSCORE', executions_key(owner), before, '-inf', 'WITHSCORES', 'LIMIT', seen, PAGE)
  for i = 1, #page, 2 do
    if #summaries < limit then add_summary(page[i], page[i + 1]) end
  end
  if #page < 2 * PAGE then break end
  seen = seen + PAGE
end
for _, id in ipairs(lost) do call('ZREM', executions_key(owner), id) end
return summaries
