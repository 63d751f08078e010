-- What the runs do not decide: states as a question reads them, and their writing.

local grants = ''
if units > 0 or left then
  -- The working copies of the counters that have been written; false: absent. From when on each is idle, and how
  -- long buckets are kept.
  local written, idle_at, order, ttls = {}, {}, {}, {}

  -- floor(a * b / c) and what remains, exactly: the product is taken apart after Dekker where it has more than 53 bits.
  local function multiply_divide(a, b, c)
    local product = a * b
    if product <= MAX then
      local rest = product % c
      return (product - rest) / c, rest
    end
    local function halves(number)
      local scaled = number * 134217729
      local upper = scaled - (scaled - number)
      return upper, number - upper
    end
    local function error_of(x, y, xy)
      local x1, x2 = halves(x)
      local y1, y2 = halves(y)
      return ((x1 * y1 - xy) + x1 * y2 + x2 * y1) + x2 * y2
    end
    local quotient = math.floor(product / c)
    local back = quotient * c
    local rest = (product - back) + (error_of(a, b, product) - error_of(quotient, c, back))
    while rest < 0 do
      quotient, rest = quotient - 1, rest + c
    end
    while rest >= c do
      quotient, rest = quotient + 1, rest - c
    end
    return quotient, rest
  end

  -- A question, as a list; see `program.rs`.
  local function question_at(position)
    local question = {unpack_from('<ddddddddddddddd', program, position)}
    question[16] = string.sub(program, position + 120, position + 135)
    return question
  end

  local function whole(number)
    return number >= 0 and number <= MAX and number % 1 == 0
  end

  -- Whether a key holds what is no state: somebody else wrote it.
  local function is_foreign(question, index)
    local state = found[index]
    if not state then
      return false
    end
    local size = #state
    if size == 32 or size == 40 or (size % 16 == 1 and size > 32 and string.byte(state, 33) == 0)
      or (size % 32 == 2 and string.sub(state, 33, 34) == '\0\0') then
      local low, high, x, y = unpack_from('<dddd', state)
      if low == question[2] and high == question[3] or whole(low) and whole(high) and whole(x) and whole(y) then
        return false
      end
    end
    found[index] = ''
    return true
  end

  -- The state as the limit of the question reads it: unchanged under the same tag, else carried over as far as its counts
  -- keep their meaning. Returns its numbers, and whether it was carried over.
  local function adapted(question, state)
    local kind = question[1]
    if not state then
      if kind <= 2 then
        return 0, 0, 0, false
      end
      return '', 0, 0, false
    end
    local low, high, x, y = unpack_from('<dddd', state)
    local size, changed = #state, low ~= question[2] or high ~= question[3]
    local keeps = not changed or (question[4] == 0 and high == question[3])
    if kind == 1 then
      if not changed then
        return x, y, 0, false
      elseif question[4] == 1 or size ~= 32 then
        return 0, 0, 0, true
      end
      if y > 0 then
        x = math.min(x + 1, MAX)
      end
      if x - now > question[7] then
        x, y = now + question[7], question[8]
        if x >= MAX then
          return MAX, 0, 0, true
        end
        return x, y, 0, true
      end
      return x, 0, 0, true
    elseif kind == 2 then
      if keeps and size == 40 then
        return x, y, unpack_from('<d', state, 33), changed
      end
      return 0, 0, 0, true
    elseif keeps and size % 8 == kind - 2 then
      return string.sub(state, 31 + kind), x, 0, changed
    end
    return '', 0, 0, true
  end

  -- Notes a state as written.
  local function put(question, index, x, y, z)
    local kind, state, idle, ttl = question[1], nil, 0, nil
    local low, high = question[2], question[3]
    if kind == 1 then
      state, idle = pack('<dddd', low, high, x, y), x
      if y > 0 then
        idle = x + 1
      end
      local step = bucket_step(question[7])
      ttl = bucket_ttl(bucket_slot(x, step), step)
    elseif kind == 2 then
      -- Even one that counts nothing is kept until it begins, where the clock has stepped back.
      state, idle = pack('<ddddd', low, high, x, y, z), x
      local finish = x + question[8]
      if question[9] == 2 then
        finish = x + LONGEST_YEAR
        for boundary = 10, 12 do
          if question[boundary] == x then
            finish = question[boundary + 1]
          end
        end
      end
      if question[9] == 1 and y > 0 then
        idle = finish + question[8]
      elseif y > 0 or (question[9] == 1 and z > 0) then
        idle = finish
      end
    elseif x ~= '' then
      local size = kind == 3 and 16 or 32
      idle = unpack_from('<d', x, #x - size + 1)
      if kind == 3 then
        idle = idle + question[8]
      end
      state = pack('<dddd', low, high, y, kind == 3 and question[8] or 0) .. string.rep('\0', kind - 2) .. x
    end
    if written[index] == nil then
      order[#order + 1] = index
    end
    -- What only counts nothing is forgotten at the end, but within the batch it is there.
    written[index], idle_at[index], ttls[index] = state or false, idle, ttl
  end
