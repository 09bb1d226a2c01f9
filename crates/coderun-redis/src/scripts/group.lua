-- Reads the arguments of a group of steps, names the keys, and decodes values.
--
-- A group is one call: `EVALSHA sha 1 KEY base prefix now policy [header blob]...`. A header is the step's name, its
-- execution and owner (or nil) and its own arguments, as msgpack values one after the other. All keys lie in one slot:
-- their names begin with `base`, which contains the hash tag of a partition. Times are microseconds since 1970. The server
-- runs one group at a time, so a step needs no locks.
--
-- Most of the cost of a group is calls to the server. So values are read once, changed in tables, and written at the end
-- with one command a key. Only lanes, queues and keys of one execution are written at once. Nothing may fail after the
-- first write: a value that cannot be decoded counts as lost.

local VERSION = '3'
local SECOND = 1000000
local MINUTE, DAY = 60 * SECOND, 86400 * SECOND
-- Redis deletes the keys of a final record so long after its expiry, and those of a live one if no step ever ends it.
local FINAL_MARGIN, LIVE_MARGIN = 30 * SECOND, 600 * SECOND
-- Longer messages to watchers name only the event.
local MESSAGE_MAX_BYTES = 16384
-- The length of a header is below this.
local HEADER_MAX_BYTES = 1024

local call, encode = redis.call, cmsgpack.pack
local base, prefix, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local retention, queue_deadline, lease_time, run_grace, attempts_max, running_max, pending_max, bytes_max,
  user_pending_max, submits_max, process = cmsgpack.unpack(ARGV[4])
-- The index of the first header.
local FIRST_STEP = 5

-- The lifetime of keys that many executions share: longer than that of any of them.
local SHARED_TTL = math.ceil((retention + queue_deadline + DAY + LIVE_MARGIN) / 1000)

local LIVE, USERS, TOTALS, RETIRED = base .. 'live', base .. 'users', base .. 'totals', base .. 'retired'

-- The key of this kind. Those of an execution: `e` its record, `o` an outcome beside that, `v` its events, `i` its input, `t` its
-- tickets. Those of a user: `u` the executions, `m` the submissions of the last minute. `s` is a staged value, `k` what a
-- worker has taken last, `lane` the users who wait for a language, and `q` what waits of one of them.
local function key_of(kind, name) return base .. kind .. ':' .. name end

-- Prints a whole number without the scientific notation that Lua uses for large ones. Many numbers of a group are the same.
local texts = {}
local function digits(number)
  local text = texts[number]
  if not text then
    text = string.format('%d', number)
    texts[number] = text
  end
  return text
end

-- The lifetime of the keys of a record from its end on.
local FINAL_TTL = digits((retention + FINAL_MARGIN) / 1000)

-- Reads a value of the server with a function; nil if there is none, or the function fails or finds it damaged. A comparison
-- with a number or a text is the cheapest test that a value is one: it fails for all other types.
local function decode(value, read, id)
  if not value then return nil end
  local is_valid, decoded = pcall(read, value, id)
  return is_valid and decoded or nil
end

-- Whether this is a table of counts by lane; fails or returns false otherwise.
local function are_counts(lanes)
  for lane, waiting in pairs(lanes) do
    if not (lane > '' and waiting > -math.huge) then return false end
  end
  return true
end

-- A table of functions that a function defines together when one of them is first called: to create all functions would cost each
-- group as much as some steps do.
local function on_demand(define)
  return setmetatable({}, {
    __index = function(functions, name)
      define(functions)
      return rawget(functions, name)
    end,
  })
end
