-- Loads live executions, and makes the group store what changes.

-- Whether this is a list of watchers: the name of each, and when it ends.
local function are_watchers(watchers)
  for i = 1, #watchers, 2 do
    if not (watchers[i] > '' and watchers[i + 1] >= 0) then return false end
  end
  return true
end

-- The record of these values, in the order of `LiveValue` of live_value.rs; fails or returns `false` if they are damaged. A
-- call with many values is much faster than a table of them.
local function make_record(
  id, version, status, attempt, sequence, updated, started, worker, token, takeovers, created, is_cancelled,
  is_released, is_streamed, is_interactive, is_large, owner, lane, size, budget, order, lives_until, watchers
)
  if version ~= VERSION then return version > '' and { id = id, is_newer = true } end
  local is_valid = (status == 'pending' or status == 'running') and attempt >= 0 and sequence >= 0 and updated >= 0
    and started >= 0 and worker >= '' and takeovers >= 0 and created >= 0 and owner > '' and lane > '' and size >= 0
    and budget >= 0 and order >= 0 and lives_until >= 0 and are_watchers(watchers)
  return is_valid and {
    id = id, status = status, attempt = attempt, sequence = sequence, updated = updated, started = started,
    worker = worker, token = token, takeovers = takeovers, created = created, is_cancelled = is_cancelled,
    is_released = is_released, is_streamed = is_streamed, is_interactive = is_interactive, is_large = is_large,
    owner = owner, lane = lane, size = size, budget = budget, order = order, lives_until = lives_until,
    watchers = watchers,
  }
end

local function read_record(value, id) return make_record(id, cmsgpack.unpack(value)) end

local function to_record(id, value) return decode(value, read_record, id) or false end

-- The value of a record, in the same order. It is made once, when a step or the end of the group needs it.
local function to_value(r)
  r.value = r.value or encode(
    VERSION, r.status, r.attempt, r.sequence, r.updated, r.started, r.worker, r.token, r.takeovers, r.created,
    r.is_cancelled, r.is_released, r.is_streamed, r.is_interactive, r.is_large, r.owner, r.lane, r.size, r.budget, r.order,
    r.lives_until, r.watchers
  )
  return r.value
end

-- The live execution with this id; nil if there is none.
local function load_record(id)
  local record = records[id]
  if record == nil then
    record = to_record(id, call('HGET', LIVE, id))
    records[id] = record
  end
  return record or nil
end

local function read_records(values, ids)
  for i, id in ipairs(ids) do
    local value = values[i]
    records[id] = value and read_record(value, id) or false
  end
end

-- Loads live executions with one command.
local function load_records(ids)
  if #ids == 0 then return end
  local values = call('HMGET', LIVE, unpack(ids))
  if pcall(read_records, values, ids) then return end
  -- One of them is damaged.
  for i, id in ipairs(ids) do records[id] = to_record(id, values[i]) end
end

-- Makes the group store a live execution.
local function save_record(record)
  record.value = nil
  records[record.id] = record
  changed_records[record.id] = true
end

-- Makes the group forget a live execution.
local function drop_record(record)
  records[record.id] = false
  changed_records[record.id] = true
end

-- The time at which the sweep ends a live execution.
local function deadline(record)
  if record.status == 'pending' then return record.updated + queue_deadline end
  return record.started + record.budget + run_grace
end

-- Deletes a staged value that no step will use.
local function discard(nonce)
  if nonce then call('UNLINK', key_of('s', nonce)) end
end
