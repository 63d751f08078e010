-- Decides a batch of rate limit checks in one atomic step. It mirrors `step` and `unit::decide` of ratekeeper, bit by bit.
--
-- KEYS: the counters. The first of them, as many as the runs count, are asked for by a run and by nobody else.
-- ARGV[1]: the questions, packed as doubles in little-endian order; `program.rs` writes them and says what they are.
-- Returns the states as they were found, and after them one string: now, a digit for each check (1: it passes, plus 2: it
-- was written), and how much was granted to each partial take that was written. If now lies outside of the calendars that
-- were sent along, nothing is written, and only now is returned.
--
-- States are packed doubles as well. They begin with the tag of the limit they were written under: its lower and upper
-- half; states with the same upper half count over the same window.
--   GCRA, 32 bytes:     tag, X in whole microseconds, the ticks beyond
--   windows, 40 bytes:  tag, start, current count, previous count
--   logs:               tag, total, window; a zero byte; for each admission its instant and its count
--   holders:            tag, total, 0; two zero bytes; for each its expiry, its count and 16 bytes that name it
--
-- All numbers are integers below 2^53, where doubles are exact. So are `%` and floor(a / b) there: the quotient is
-- rounded up to the next integer only if the dividend is at least 2^53.
local call, pack, unpack_from = redis.call, struct.pack, struct.unpack
local keys, program = KEYS, ARGV[1]
local MAX = 9007199254740991
local LONGEST_YEAR = 31708800000000

local now, from, to, runs, questions, units, at = unpack_from('<dddddd', program)
if now < 0 then
  local time = call('TIME')
  now = time[1] * 1000000 + time[2]
end
if now < from or now >= to then
  return {pack('<d', now)}
end

-- What Lua can pass on its stack at once is bounded.
local found
if #keys <= 4000 then
  found = call('MGET', unpack(keys))
else
  found = {}
  for first = 1, #keys, 4000 do
    local last = math.min(first + 3999, #keys)
    local some = call('MGET', unpack(keys, first, last))
    for index = 1, last - first + 1 do
      found[first + index - 1] = some[index]
    end
  end
end

local answers = {}
-- Where the runs found what they leave to the general way: places, and where in the program their question is.
local left, left_questions, lefts = nil, nil, 0

-- Runs: each is one question, a take, of the next `count` keys.
local place = 0
for _ = 1, runs do
  local count, kind, low, high, _, _, cost, p1, p2, p3, p4, p5, p6, p7 = unpack_from('<dddddddddddddd', program, at)
  local question = at + 8
  at = at + 144
  if kind == 1 then
    -- p1, p2: the capacity; p3, p4: the cost; p5: ticks in a microsecond.
    for index = place + 1, place + count do
      local state = found[index]
      local micros, rest = p3, p4
      local same = true
      if state then
        local its_low, its_high, x, ticks = unpack_from('<dddd', state)
        same = its_low == low and its_high == high
        if same and x >= now then
          micros, rest = micros + (x - now), rest + ticks
          if rest >= p5 then
            micros, rest = micros + 1, rest - p5
          end
        end
      end
      if not same then
        left, left_questions, lefts = left or {}, left_questions or {}, lefts + 1
        left[lefts], left_questions[lefts] = index, question
      elseif micros < p1 or (micros == p1 and rest <= p2) then
        local x = now + micros
        if x >= MAX then
          x, rest = MAX, 0
        end
        call('PSETEX', keys[index], 60001 + (micros - micros % 1000) / 1000, pack('<dddd', low, high, x, rest))
        answers[index] = '3'
      else
        answers[index] = '0'
      end
    end
  else
    -- p1: the count; p2: the width; p3: 0 fixed, 1 sliding, 2 calendar; p4 to p7: boundaries of the calendar.
    local start, idle = now - now % p2, p2
    if p3 == 1 then
      idle = 2 * p2
    elseif p3 == 2 then
      local finish
      if now >= p6 then
        start, finish = p6, p7
      elseif now >= p5 then
        start, finish = p5, p6
      else
        start, finish = p4, p5
      end
      idle = finish - start
    end
    for index = place + 1, place + count do
      local state = found[index]
      local begun, current, previous, used = start, 0, 0, 0
      local same = not state or #state == 40
      if state and same then
        local its_low, its_high, its_begun, its_current, its_previous = unpack_from('<ddddd', state)
        same = its_low == low and its_high == high
        if start <= its_begun then
          begun, current, previous = its_begun, its_current, its_previous
          -- A window of the future, when the clock has stepped back: its end is not among the boundaries.
          same = same and (p3 ~= 2 or start == begun)
        elseif p3 == 1 and start - its_begun == p2 then
          previous = its_current
        end
        used = current
        if p3 == 1 and previous > 0 then
          local elapsed = now - begun
          if elapsed < 0 then
            elapsed = 0
          end
          local product = previous * elapsed
          same = same and product <= MAX
          used = current + previous - (product - product % p2) / p2
        end
      end
      if not same then
        left, left_questions, lefts = left or {}, left_questions or {}, lefts + 1
        left[lefts], left_questions[lefts] = index, question
      elseif used + cost <= p1 then
        local lives = begun + idle - now
        local ttl = 60001 + (lives - lives % 1000) / 1000
        call('PSETEX', keys[index], ttl, pack('<ddddd', low, high, begun, current + cost, previous))
        answers[index] = '3'
      else
        answers[index] = '0'
      end
    end
  end
  place = place + count
end

local grants = ''
if units > 0 or left then
  -- The working copies of the counters that have been written; false: absent. And from when on each is idle.
  local written, idle_at, order = {}, {}, {}

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
    local kind, state, idle = question[1], nil, 0
    local low, high = question[2], question[3]
    if kind == 1 then
      state, idle = pack('<dddd', low, high, x, y), x
      if y > 0 then
        idle = x + 1
      end
    elseif kind == 2 then
      state = pack('<ddddd', low, high, x, y, z)
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
    written[index], idle_at[index] = state or false, idle
  end

  -- GCRA --------------------------------------------------------------------------------------------------------------

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

  -- Windows -----------------------------------------------------------------------------------------------------------

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

  -- Entries -----------------------------------------------------------------------------------------------------------

  -- Where the entries that have not expired begin, less one, and how much those before count.
  local function expired(question, list)
    local size, bound = 32, now
    if question[1] == 3 then
      size = 16
      -- The clock of a log never runs behind its newest entry.
      if list ~= '' then
        bound = math.max(now, (unpack_from('<d', list, #list - 15)))
      end
      bound = bound - question[8]
    end
    local offset, sum = 0, 0
    while offset < #list do
      local instant, count = unpack_from('<dd', list, offset + 1)
      if instant > bound then
        break
      end
      offset, sum = offset + size, sum + count
    end
    return offset, sum
  end

  -- Where the entry of a holder is that holds something, less one; nil if there is none.
  local function place_of(list, holder, offset)
    local position = string.find(list, holder, offset + 1, true)
    while position do
      if position % 32 == 17 then
        local _, count = unpack_from('<dd', list, position - 16)
        if count > 0 then
          return position - 17, count
        end
      end
      position = string.find(list, holder, position + 1, true)
    end
  end

  local function without(list, offset, size)
    return string.sub(list, 1, offset) .. string.sub(list, offset + size + 1)
  end

  local function log_append(question, list, total, cost)
    local clock = now
    if list ~= '' then
      clock = math.max(now, (unpack_from('<d', list, #list - 15)))
    end
    local offset, gone = expired(question, list)
    list, total = string.sub(list, offset + 1), total - gone
    cost = math.min(cost, MAX - total)
    total = total + cost
    if list ~= '' then
      local newest, count = unpack_from('<dd', list, #list - 15)
      if newest == clock or count == 0 or #list >= 16 * question[9] then
        return string.sub(list, 1, -17) .. pack('<dd', clock, count + cost), total
      end
    end
    return list .. pack('<dd', clock, cost), total
  end

  -- Takes up to `cost` from the entry at `offset`, drops it if nothing is left, and says how much it was.
  local function reduce(list, total, offset, cost)
    local instant, count = unpack_from('<dd', list, offset + 1)
    local taken = math.min(cost, count)
    if taken == count then
      return without(list, offset, 16), total - taken, taken
    end
    local entry = pack('<dd', instant, count - taken)
    return string.sub(list, 1, offset) .. entry .. string.sub(list, offset + 17), total - taken, taken
  end

  local function log_take_back(question, list, total)
    local cost, instant = question[6], question[14]
    if instant == -1 then
      while cost > 0 and list ~= '' do
        local taken
        list, total, taken = reduce(list, total, #list - 16, cost)
        cost = cost - taken
      end
      return list, total
    end
    local first, last = 0, #list / 16
    while first < last do
      local middle = math.floor((first + last) / 2)
      local its = unpack_from('<d', list, 16 * middle + 1)
      if its == instant then
        list, total = reduce(list, total, 16 * middle, cost)
        break
      elseif its < instant then
        first = middle + 1
      else
        last = middle
      end
    end
    return list, total
  end

  local function hold(question, list, total, cost)
    local holder = question[16]
    local offset, gone = expired(question, list)
    list, total = string.sub(list, offset + 1), total - gone
    local expiry = math.min(now + question[8], MAX)
    local renewed, count = place_of(list, holder, 0)
    if renewed then
      list, cost = without(list, renewed, 32), count
    else
      total = total + cost
    end
    if cost == 0 then
      -- Who holds nothing only has a say in when the last hold ends: the latest of them stands for all.
      for entry = #list - 32, 0, -32 do
        local its, held = unpack_from('<dd', list, entry + 1)
        if held == 0 then
          if its >= expiry then
            return list, total
          end
          list = without(list, entry, 32)
        end
      end
    end
    local behind = #list
    while behind > 0 and unpack_from('<d', list, behind - 31) > expiry do
      behind = behind - 32
    end
    local entry = pack('<dd', expiry, cost) .. holder
    return string.sub(list, 1, behind) .. entry .. string.sub(list, behind + 1), total
  end

  -- Operations --------------------------------------------------------------------------------------------------------

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
    local x, y, z, changed = adapted(question, found[target])
    local passes, grantable = evaluate(question, 0, x, y, z)
    local granted = passes and grantable
    answers[target] = conclude(question, target, 0, passes, granted, changed, x, y, z)
  end

  local asked = {}
  for index = 1, questions do
    asked[index] = question_at(at)
    at = at + 136
  end

  local question, target, group, phase = {}, {}, {}, {}
  local passes, grantable, changed, x, y, z = {}, {}, {}, {}, {}, {}
  for _ = 1, units do
    local checks, number
    checks, at = unpack_from('<d', program, at)
    local all, share, least = true, nil, nil
    for check = 1, checks do
      number, target[check], group[check], phase[check], at = unpack_from('<dddd', program, at)
      local its = asked[number]
      question[check] = its
      local state = written[target[check]]
      if state == nil then
        state = found[target[check]]
      end
      x[check], y[check], z[check], changed[check] = adapted(its, state)
      passes[check], grantable[check] = evaluate(its, phase[check], x[check], y[check], z[check])
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
    share = share or least
    for check = 1, checks do
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

  for index = 1, #order do
    local key = order[index]
    local lives = idle_at[key] - now
    if lives > 0 then
      call('PSETEX', keys[key], 60001 + (lives - lives % 1000) / 1000, written[key])
    elseif found[key] then
      call('DEL', keys[key])
    end
  end
end

found[#keys + 1] = pack('<d', now) .. table.concat(answers) .. grants
return found
