-- Stores the events of live executions in lists, and sends them to watchers, which few executions need.

local stream = on_demand(function(stream)
  local function live_ttl(record) return math.ceil((record.lives_until - now + LIVE_MARGIN) / 1000) end

  -- Lets the keys of an execution that starts or waits again live long enough.
  function stream.extend_life(record)
    local end_of_run = record.status == 'pending' and record.budget + run_grace or 0
    local lives_until = deadline(record) + end_of_run + retention
    if lives_until <= record.lives_until then return end
    record.lives_until = lives_until
    for _, kind in ipairs({ 'e', 'v', 'i' }) do call('PEXPIRE', key_of(kind, record.id), live_ttl(record)) end
  end

  -- The event that reports a change of state, as `coderun_record` encodes it.
  function stream.update_event(record, status, attempt, updated, worker)
    return table.concat({
      'u', status, attempt, record.takeovers, digits(record.created), digits(updated), worker,
    }, ' ')
  end

  -- The events of a live execution that has no list of them: they follow from its state.
  function stream.first_events(record)
    local events = { stream.update_event(record, 'pending', 0, record.created, '') }
    if record.attempt == 1 then
      events[2] = stream.update_event(record, 'running', 1, record.started, record.worker)
    end
    return events
  end

  -- Adds events to the list of a live execution. If the list was lost, its rest must not stay for ever.
  function stream.push(record, events)
    local key = key_of('v', record.id)
    if call_with(events, 'RPUSH', key) == #events then call('PEXPIRE', key, live_ttl(record)) end
  end

  -- Keeps the events of a live execution in a list from now on.
  function stream.begin(record)
    if record.is_streamed then return end
    record.is_streamed = true
    call('DEL', key_of('v', record.id))
    stream.push(record, stream.first_events(record))
  end

  -- The events after those that are stored; `after` is the number before the first of `events`. Nil if the worker has stored
  -- more than there is: the record was lost or replaced.
  function stream.new_events(record, after, events)
    local stored = record.sequence - after
    if stored < 0 then return nil end
    local new = {}
    for i = stored + 1, #events do new[#new + 1] = events[i] end
    return new
  end

  -- Sends events to the other processes that watch an execution; `first` is the number of the first one. At the end it sends the
  -- final record in place of the events, or nothing where a watcher has to read that.
  function stream.notify(record, first, events, final)
    local watchers, bytes = record.watchers, final and #final or 0
    for _, event in ipairs(events) do bytes = bytes + #event end
    if bytes > MESSAGE_MAX_BYTES then events, final = {}, '' end
    local message = encode({ record.id, first, events, final or '' })
    for i = 1, #watchers, 2 do
      if watchers[i] ~= process and watchers[i + 1] > now then
        messages[#messages + 1] = prefix .. 'feed:' .. watchers[i]
        messages[#messages + 1] = message
      end
    end
  end
end)
