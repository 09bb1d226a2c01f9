-- Every step begins with this: what it was called with, and the words in which all steps are written.
--
-- All keys of a step lie in one slot: their names begin with `base`, which holds the hash tag of a partition. Times are
-- microseconds since 1970. A step runs alone, so it reads, decides and writes as if nobody else were there.
--
-- Calling the server and making functions is what a step costs. So what changes together is one value, and each step
-- has only those parts in front of it that it needs.

local VERSION = '2'
-- Redis deletes a record by itself only this long after a sweep should have done so.
local SWEEP_MARGIN = 600 * 1000000
local DAY = 86400 * 1000000

local base, prefix = ARGV[1], ARGV[2]
local now, retention, queue_deadline = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local lease_time, run_grace = tonumber(ARGV[6]), tonumber(ARGV[7])
local attempts_max, running_max = tonumber(ARGV[8]), tonumber(ARGV[9])
-- The arguments of the step itself begin here.
local OWN = 10

-- Keys that many executions share outlive each of them.
local SHARED_TTL = math.ceil((retention + queue_deadline + DAY + SWEEP_MARGIN) / 1000)

local call = redis.call

local function record_key(id) return base .. 'execution:' .. id end
local function events_key(id) return base .. 'events:' .. id end
local function input_key(id) return base .. 'input:' .. id end
local function tickets_key(id) return base .. 'tickets:' .. id end
local function executions_key(owner) return base .. 'user:' .. owner .. ':executions' end

-- Deletes all that belongs to one execution alone.
local function delete_keys(id) call('DEL', record_key(id), events_key(id), input_key(id), tickets_key(id)) end

-- Lua prints large numbers in scientific notation.
local function digits(number) return string.format('%.0f', number) end

-- Enters a member into a sorted set that many executions share. One that has the member already has its end, too.
local function put(key, score, member)
  if call('ZADD', key, score, member) == 1 then call('PEXPIRE', key, SHARED_TTL) end
end
