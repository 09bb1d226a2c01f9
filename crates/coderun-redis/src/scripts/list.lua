-- Lists the executions of one user, newest first, without their texts.

local owner, limit, before, before_id = ARGV[OWN], tonumber(ARGV[OWN + 1]), ARGV[OWN + 2], ARGV[OWN + 3]
local PAGE = 64
local key = user_key(owner, 'executions')
local summaries, lost, seen = {}, {}, 0

local function look_at(id, created)
  -- Executions of the same time stand in the order of their ids.
  if before ~= '+inf' and tonumber(created) == tonumber(before) and id >= before_id then return end
  local values = redis.call('HMGET', record_key(id), 'language', 'status', 'verdict', 'updated', 'expires')
  if not values[1] then
    lost[#lost + 1] = id
  elseif values[2] ~= 'final' or tonumber(values[5]) > now then
    summaries[#summaries + 1] = { id, values[1], values[2], values[3] or '', created, values[4] }
  end
end

while #summaries < limit do
  local page = redis.call('ZREVRANGEBYSCORE', key, before, '-inf', 'WITHSCORES', 'LIMIT', seen, PAGE)
  for i = 1, #page, 2 do
    if #summaries < limit then look_at(page[i], page[i + 1]) end
  end
  if #page < 2 * PAGE then break end
  seen = seen + PAGE
end
for _, id in ipairs(lost) do redis.call('ZREM', key, id) end
return summaries
