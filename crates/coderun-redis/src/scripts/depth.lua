-- Counts what waits and what runs.

return { load_totals().pending, call('ZCARD', LEASES) }
