-- Holds what a group has read, and what it writes at its end.

-- The steps by name. Each takes its header and its blob, and returns its reply: a word, a table of one word and what belongs
-- to it, or a list of strings, which is sent as it is; or nil and an encoded reply.
local steps = {}
-- Functions that define the steps of some files, or other such functions, by the names of these steps. They are called in the
-- groups that have one of the steps.
local parts = {}

-- What this group has read. `false` stands for what is not there.
local records, users, totals = {}, {}, nil
-- What it writes at the end: ids, owners, turns by lane and owner and scores by member (`false` removes), entries, and
-- messages by channel.
local changed_records, changed_users, changed_lanes, retired, messages = {}, {}, {}, {}, {}
local scores = { leases = {}, waits = {} }
-- The signal of new work: `work`, or `work busy` if it is of users who run something already.
local new_work
-- Functions that write what is not listed here.
local writers = {}

-- The most values of one command, an even number: Lua passes some thousands at most.
local VALUES_MAX = 1000

-- Runs a command with these values, more than once if they are many. Returns the last reply.
local function call_with(values, command, key, option)
  local reply
  for first = 1, #values, VALUES_MAX do
    local last = math.min(first + VALUES_MAX - 1, #values)
    if option then
      reply = call(command, key, option, unpack(values, first, last))
    else
      reply = call(command, key, unpack(values, first, last))
    end
  end
  return reply
end
