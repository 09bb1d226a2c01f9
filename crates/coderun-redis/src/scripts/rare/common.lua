-- Defines what several of the rare steps share.

-- The entry of an execution in the list of its user.
local function listed_entry(record) return digits(record.created) .. ' ' .. record.id end

-- The name of a lane is `VERSION:LANGUAGE`.
local function language_of(record) return record.language or string.sub(record.lane, #VERSION + 2) end

-- Lets a key live as long as the stored record, at most `longest` milliseconds. A second is subtracted for the time between
-- the two calls, so that the key never outlives the record.
local function expire_with(record, key, longest)
  local left = call('PTTL', record_key(record.id))
  call('PEXPIRE', key, math.max(math.min(left - 1000, longest), 1))
end
