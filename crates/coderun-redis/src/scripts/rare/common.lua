-- Defines what several of the rare steps share.

-- Defines a step on an execution that exists: a function of its record, the blob, and the arguments behind the owner.
local function define(name, step)
  steps[name] = function(header, blob)
    local record, refusal = finals.find(header[2])
    if not record then return refusal end
    return step(record, blob, unpack(header, 4))
  end
end

-- The entry of an execution in the list of its user.
local function listed_entry(record) return digits(record.created) .. ' ' .. record.id end

-- The record of such an entry; nil and a refusal if it is gone, has expired, or is that of a newer version.
local function listed_record(entry)
  local created, id = string.match(entry, '^(%d+) (%S+)$')
  local record, refusal = finals.find(id or '')
  if record and (record.created ~= tonumber(created) or record.lane and call('EXISTS', key_of('e', id)) == 0) then
    return nil, 'absent'
  end
  return record, refusal
end

-- Deletes the oldest entries of the list of a user, at most so many, while their records are gone.
local function trim_executions(owner, at_most)
  local key = key_of('u', owner)
  for _ = 1, at_most do
    local entry = call('LINDEX', key, -1)
    if not entry then break end
    local record, refusal = listed_record(entry)
    if record or refusal == 'newer' then break end
    call('RPOP', key)
  end
  call('PEXPIRE', key, SHARED_TTL)
end

-- The name of a lane is `VERSION:LANGUAGE`.
local function language_of(record) return record.language or string.sub(record.lane, #VERSION + 2) end

-- Lets a key live as long as the stored record, at most `longest` milliseconds. A second is subtracted for the time between
-- the two calls, so that the key never outlives the record.
local function expire_with(record, key, longest)
  local left = call('PTTL', key_of('e', record.id))
  call('PEXPIRE', key, math.max(math.min(left - 1000, longest), 1))
end
