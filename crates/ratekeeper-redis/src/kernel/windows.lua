  -- Windows.

  -- The window as it is now: rolled over if a later one has begun.
  local function rolled(question, phase, start, current, previous)
    local width, form, begins = question[8], question[9], 0
    if form == 2 then
      begins = question[10]
      for boundary = 11, 12 do
        if now >= question[boundary] then
          begins = question[boundary]
        end
      end
    elseif phase == 0 then
      begins = now - now % width
    else
      begins = math.max(0, now - (now % width + (width - phase)) % width)
    end
    if begins <= start then
      return start, current, previous
    end
    return begins, 0, (form == 1 and begins - start == width) and current or 0
  end

  local function window_used(question, start, current, previous)
    if question[9] ~= 1 or previous == 0 then
      return current
    end
    return current + (previous - multiply_divide(previous, math.max(0, now - start), question[8]))
  end
