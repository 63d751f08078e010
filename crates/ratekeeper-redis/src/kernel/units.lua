  -- The operations, and units of checks that stand or fall together.

  local TAKE, TAKE_UP_TO, PEEK, CHARGE, REFUND, RESET = 0, 1, 2, 3, 4, 5

  -- Whether a check passes, and how much it would grant at most.
  local function evaluate(question, phase, x, y, z)
    local kind, op, cost = question[1], question[5], question[6]
    if op >= CHARGE then
      return true, cost
    end
    if kind == 1 then
      if op ~= TAKE_UP_TO then
        return gcra_fits(question, x, y), cost
      end
      local grantable = math.min(cost, gcra_available(question, x, y))
      return grantable > 0, grantable
    end
    local used
    if kind == 2 then
      used = window_used(question, rolled(question, phase, x, y, z))
    else
      local offset, gone = expired(question, x)
      used = y - gone
      if kind == 4 and place_of(x, question[16], offset) then
        return op ~= TAKE_UP_TO or cost > 0, cost
      end
    end
    if op ~= TAKE_UP_TO then
      return used + cost <= question[7], cost
    end
    local grantable = math.min(cost, math.max(0, question[7] - used))
    return grantable > 0, grantable
  end

  -- The state after an operation that was granted so much.
  local function operate(question, phase, granted, x, y, z)
    local kind, op = question[1], question[5]
    if op == RESET then
      if kind <= 2 then
        return 0, 0, 0
      end
      return '', 0, 0
    elseif op == REFUND then
      if kind == 1 then
        return gcra_take_back(question, x, y)
      elseif kind == 2 then
        local start, current, previous = rolled(question, phase, x, y, z)
        if question[14] == -1 or question[14] == start then
          return start, math.max(0, current - question[6]), previous
        end
        return x, y, z
      elseif kind == 3 then
        return log_take_back(question, x, y)
      end
      local entry, count = place_of(x, question[16], 0)
      if entry then
        return without(x, entry, 32), y - count
      end
      return x, y
    elseif kind == 1 then
      return gcra_add(question, x, y, granted)
    elseif kind == 2 then
      local start, current, previous = rolled(question, phase, x, y, z)
      return start, math.min(current + granted, MAX), previous
    elseif kind == 3 then
      return log_append(question, x, y, granted)
    end
    return hold(question, x, y, granted)
  end

  -- Writes what was granted; a refusal writes nothing but that the limit has changed. Returns the digit of the answer.
  local function conclude(question, index, phase, passes, granted, changed, x, y, z)
    if granted then
      put(question, index, operate(question, phase, granted, x, y, z))
    elseif changed and question[5] ~= PEEK then
      put(question, index, x, y, z)
    end
    return (passes and 1 or 0) + (granted and 2 or 0)
  end

  for index = 1, lefts do
    local question, target = question_at(left_questions[index]), left[index]
    if is_foreign(question, target) then
      answers[target] = string_rep('4', left_takes[index])
    else
      local digits = ''
      for _ = 1, left_takes[index] do
        local state = written[target]
        if state == nil then
          state = found[target]
        end
        local x, y, z, changed = adapted(question, state)
        local passes, grantable = evaluate(question, 0, x, y, z)
        digits = digits .. conclude(question, target, 0, passes, passes and grantable, changed, x, y, z)
      end
      answers[target] = digits
    end
  end

  -- Notes for the logs what is needed of them: how many of their first entries; nothing less than all for a refund.
  local logs, needed = {}, {}
  local function abridge(question, index, passes, changed, list, total)
    local number = passes and 0 or must_expire(question, list, total)
    if changed or question[5] >= REFUND then
      number = math.huge
    end
    logs[index], needed[index] = question, math.max(needed[index] or 0, number)
  end

  local asked = {}
  for index = 1, questions do
    asked[index] = question_at(at)
    at = at + 136
  end

  local question, target, group, phase = {}, {}, {}, {}
  local passes, grantable, changed, x, y, z = {}, {}, {}, {}, {}, {}
  -- Evaluates the checks of a unit, and notes what it comes to: whether it passes, and the share of a partial take.
  local function weigh(checks)
    local all, share, least = true, nil, nil
    for check = 1, checks do
      local its, key = question[check], target[check]
      local state = written[key]
      if state == nil then
        state = found[key]
      end
      x[check], y[check], z[check], changed[check] = adapted(its, state)
      passes[check], grantable[check] = evaluate(its, phase[check], x[check], y[check], z[check])
      if its[1] == 3 then
        abridge(its, key, passes[check], changed[check], x[check], y[check])
      end
      if group[check] == 0 then
        all = all and passes[check]
      end
      if its[5] == TAKE_UP_TO then
        least = math.min(least or its[6], its[6])
        if group[check] == 0 then
          share = math.min(share or grantable[check], grantable[check])
        end
      end
    end
    return all, share or least
  end

  for _ = 1, units do
    local checks, number
    checks, at = unpack_from('<d', program, at)
    local foreign = false
    for check = 1, checks do
      number, target[check], group[check], phase[check], at = unpack_from('<dddd', program, at)
      question[check] = asked[number]
      foreign = is_foreign(question[check], target[check]) or foreign
    end
    local all, share
    if not foreign then
      all, share = weigh(checks)
    end
    for check = 1, checks do
      if foreign then
        answers[#answers + 1] = '4'
      else
        local its = question[check]
        local op = its[5]
        local writes = all and op ~= PEEK
        if group[check] ~= 0 then
          for other = 1, checks do
            if group[other] == group[check] then
              writes = writes and passes[other] and (op ~= TAKE_UP_TO or grantable[other] >= share)
            end
          end
        end
        local granted = writes and (op == TAKE_UP_TO and share or its[6])
        if writes and op == TAKE_UP_TO then
          grants = grants .. pack('<d', share)
        end
        answers[#answers + 1] = conclude(
          its, target[check], phase[check], passes[check], granted, changed[check], x[check], y[check], z[check]
        )
      end
    end
  end

  for index = 1, #order do
    local key = order[index]
    local lives = idle_at[key] - now
    if lives > 0 then
      call('PSETEX', keys[key], ttls[key] or 60001 + (lives - lives % 1000) / 1000, written[key])
    elseif found[key] then
      call('DEL', keys[key])
    end
  end
  for index, question in pairs(logs) do
    if found[index] then
      found[index] = abridged(question, found[index], needed[index])
    end
  end
end

found[#keys + 1] = pack('<d', now) .. table.concat(answers) .. grants
return found
