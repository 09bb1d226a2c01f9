-- Loads final records, and deletes executions, which few groups need.

local finals = on_demand(function(finals)
  -- The header of a stored record: [version, owner, language, created, end]. The end is nil while the execution is live;
  -- then it is [attempt, takeovers, sequence, updated, started, worker, expires, is_streamed, is_forced, is_released, verdict].
  local function read_header(bytes)
    local _, header = cmsgpack.unpack_one(bytes)
    if header[1] ~= VERSION then return header[1] > '' and header end
    local ending = header[5]
    local is_valid = header[2] > '' and header[3] > '' and header[4] >= 0 and (not ending
      or ending[1] >= 0 and ending[2] >= 0 and ending[3] >= 0 and ending[4] >= 0 and ending[5] >= 0 and ending[6] >= ''
      and ending[7] >= 0 and ending[11] > '')
    return is_valid and header
  end

  local function load_header(key) return decode(call('GETRANGE', key, 0, HEADER_MAX_BYTES - 1), read_header) end

  -- The final record with this id, expired or not; nil if there is none.
  function finals.load(id)
    local h = load_header(key_of('e', id))
    if h and h[1] == VERSION and not h[5] then h = load_header(key_of('o', id)) end
    if not h then return nil end
    if h[1] ~= VERSION then return { id = id, is_newer = true } end
    local e = h[5]
    if not e then return nil end
    return {
      id = id, status = 'final', owner = h[2], language = h[3], created = h[4], attempt = e[1], takeovers = e[2],
      sequence = e[3], updated = e[4], started = e[5], worker = e[6], expires = e[7], is_streamed = e[8], is_forced = e[9],
      is_released = e[10], verdict = e[11],
    }
  end

  -- The live or final record with this id, or the reply that there is none.
  function finals.find(id)
    local record = load_record(id) or finals.load(id)
    if not record then return nil, 'absent' end
    if record.is_newer then return nil, 'newer' end
    if record.status == 'final' and record.expires <= now then return nil, 'absent' end
    return record
  end

  -- The entry of a final record in the list of those that expire.
  function finals.retired_entry(record, expires)
    return table.concat({ digits(expires), digits(record.created), record.owner, record.id }, ' ')
  end

  -- Completes an end that has stored only the final record, because the script failed. Returns whether there is one.
  function finals.complete_end(record)
    local final = finals.load(record.id)
    if not final or final.created ~= record.created or final.attempt ~= record.attempt then return false end
    load_totals()
    retire(record, load_user(record.owner), finals.retired_entry(final, final.expires))
    return true
  end

  -- Deletes all keys of one execution.
  function finals.delete_keys(id)
    call('UNLINK', key_of('e', id), key_of('o', id), key_of('v', id), key_of('i', id), key_of('t', id))
  end
end)
