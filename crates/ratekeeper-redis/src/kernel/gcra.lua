  -- GCRA: X lies so many microseconds and ticks ahead of now.

  -- How far X lies ahead of now, in microseconds and ticks.
  local function ahead(x, y)
    if x < now then
      return 0, 0
    end
    return x - now, y
  end

  -- What a cost is, in microseconds and ticks.
  local function price(question, cost)
    if cost == question[6] then
      return question[9], question[10]
    end
    return multiply_divide(cost, question[12], question[11])
  end

  local function gcra_fits(question, x, y)
    local micros, rest = ahead(x, y)
    micros, rest = micros + question[9], rest + question[10]
    if rest >= question[11] then
      micros, rest = micros + 1, rest - question[11]
    end
    return micros < question[7] or (micros == question[7] and rest <= question[8])
  end

  local function gcra_available(question, x, y)
    local micros, rest = ahead(x, y)
    micros, rest = question[7] - micros, question[8] - rest
    if rest < 0 then
      micros, rest = micros - 1, rest + question[11]
    end
    if micros < 0 then
      return 0
    end
    local unit = question[12]
    local over = micros % unit
    local quotient, remains = multiply_divide(over, question[11], unit)
    return (micros - over) / unit * question[11] + quotient + math.floor((remains + rest) / unit)
  end

  local function gcra_at(micros, rest)
    if now + micros >= MAX then
      return MAX, 0
    end
    return now + micros, rest
  end

  local function gcra_add(question, x, y, cost)
    local micros, rest = ahead(x, y)
    local more, ticks = price(question, cost)
    micros, rest = micros + more, rest + ticks
    if rest >= question[11] then
      micros, rest = micros + 1, rest - question[11]
    end
    return gcra_at(micros, rest)
  end

  local function gcra_take_back(question, x, y)
    local credit, ticks = question[9], question[10]
    local receipt = question[14]
    if question[13] == 1 and (receipt ~= x or question[15] ~= y) then
      return x, y
    end
    if receipt ~= -1 then
      local micros, rest = ahead(receipt, question[15])
      if micros < credit or (micros == credit and rest < ticks) then
        credit, ticks = micros, rest
      end
    end
    local micros, rest = ahead(x, y)
    micros, rest = micros - credit, rest - ticks
    if rest < 0 then
      micros, rest = micros - 1, rest + question[11]
    end
    if micros < 0 then
      micros, rest = 0, 0
    end
    return gcra_at(micros, rest)
  end
