-- Reads the arguments of every step, and defines the functions that all steps share.
--
-- All keys of a step lie in one slot: their names begin with `base`, which contains the hash tag of a partition. Times
-- are microseconds since 1970. The server runs one step at a time, so a step needs no locks.
--
-- Most of the cost of a step is calls to the server and the creation of functions. So values that change together are
-- one field, and each step contains only the shared parts that it needs.

local VERSION = '2'
-- Redis deletes a record by itself so long after the sweep should have deleted it.
local SWEEP_MARGIN = 600 * 1000000
local DAY = 86400 * 1000000

local base, prefix = ARGV[1], ARGV[2]
local now, retention, queue_deadline = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local lease_time, run_grace = tonumber(ARGV[6]), tonumber(ARGV[7])
local attempts_max, running_max = tonumber(ARGV[8]), tonumber(ARGV[9])
-- The index of the first argument that is the step's own.
local OWN = 10

-- The lifetime of keys that many executions share: longer than that of any of them.
local SHARED_TTL = math.ceil((retention + queue_deadline + DAY + SWEEP_MARGIN) / 1000)

local call = redis.call

local function record_key(id) return base .. 'execution:' .. id end
local function events_key(id) return base .. 'events:' .. id end
local function input_key(id) return base .. 'input:' .. id end
local function tickets_key(id) return base .. 'tickets:' .. id end
local function executions_key(owner) return base .. 'user:' .. owner .. ':executions' end

-- Deletes all keys of one execution.
local function delete_keys(id) call('DEL', record_key(id), events_key(id), input_key(id), tickets_key(id)) end

-- Prints a number without the scientific notation that Lua uses for large ones.
local function digits(number) return string.format('%.0f', number) end

-- Adds a member to a sorted set that many executions share. A set that has the member already has its lifetime, too.
local function put(key, score, member)
  if call('ZADD', key, score, member) == 1 then call('PEXPIRE', key, SHARED_TTL) end
end
