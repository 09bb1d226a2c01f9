-- Counts the waiting and the running executions.

return { load_totals().pending, call('ZCARD', LEASES) }
