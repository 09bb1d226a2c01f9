-- Deletes a ticket and returns its admission.

local id, ticket = ARGV[OWN], ARGV[OWN + 1]

local record, refusal = find(id)
if not record then return refusal end
local stored = call('HGET', tickets_key(id), ticket)
if not stored then return { 'absent' } end
call('HDEL', tickets_key(id), ticket)
local expires, admission = string.match(stored, '^(%S+) (.*)$')
if tonumber(expires) <= now then return { 'absent' } end
return { 'admitted', admission }
