-- Decides a batch of rate limit checks in one atomic step. It mirrors `step` and `unit::decide` of ratekeeper, bit by bit.
--
-- KEYS: the counters. The first of them, as many as the runs count, are asked for by a run and by nobody else.
-- ARGV[1]: the questions, packed as doubles in little-endian order; `program.rs` and `question.rs` write them and say what they are.
-- Returns the states as they were found, long logs abridged, and after them one string: now, a digit for each check (1: it passes, plus 2: it
-- was written; 4: its unit asks for a key that holds no state, and does nothing; that is left alone, and returned as an
-- empty string), and how much was granted to each partial take that was written. If now lies outside of the calendars that
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
-- By the clock that keys expire by.
local own_clock = now < 0
if own_clock then
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

-- Keys are kept a minute longer than they count. For buckets that is rounded up to a sixteenth of the time that they can be
-- filled for, counted from the epoch: so many writes leave the expiry as it is, which is less work, and few numbers are
-- turned into text, which is slow.
local function bucket_step(capacity)
  return math.floor(capacity / 16000) + 1
end

-- In which of those steps a bucket expires.
local function bucket_slot(x, step)
  local slot = x / (1000 * step)
  return slot - slot % 1
end

local now_ms = math.floor(now / 1000)

-- How many milliseconds a bucket is kept from now on.
local function bucket_ttl(slot, step)
  return (slot + 1) * step + 60001 - now_ms
end

local answers = {}
-- Where the runs found what they leave to the general way: places, where in the program their question is, and how many takes.
local left, left_questions, left_takes, lefts = nil, nil, nil, 0

-- Runs: each is one question, so many times the same take of each of the next `count` keys. The first ones of a key pass.
local string_rep = string.rep
local function answer(passed, takes)
  if takes == 1 then
    return passed == 1 and '3' or '0'
  end
  return string_rep('3', passed) .. string_rep('0', takes - passed)
end
local place = 0
for _ = 1, runs do
  local count, takes, kind, low, high, _, _, cost, p1, p2, p3, p4, p5, p6, p7 =
    unpack_from('<ddddddddddddddd', program, at)
  local question = at + 16
  at = at + 152
  if kind == 1 then
    -- p1, p2: the capacity; p3, p4: the cost; p5: ticks in a microsecond.
    local step, texts = bucket_step(p1), {}
    for index = place + 1, place + count do
      local state = found[index]
      local micros, rest, passed = 0, 0, 0
      local same, written = true, nil
      if state and #state ~= 32 then
        same = false
      elseif state then
        local its_low, its_high, x, ticks = unpack_from('<dddd', state)
        same, written = its_low == low and its_high == high, x
        if x >= now then
          micros, rest = x - now, ticks
        end
      end
      if not same then
        left, left_questions, left_takes, lefts = left or {}, left_questions or {}, left_takes or {}, lefts + 1
        left[lefts], left_questions[lefts], left_takes[lefts] = index, question, takes
      else
        repeat
          local more, ticks = micros + p3, rest + p4
          if ticks >= p5 then
            more, ticks = more + 1, ticks - p5
          end
          if more > p1 or (more == p1 and ticks > p2) then
            break
          end
          micros, rest, passed = more, ticks, passed + 1
          if now + micros >= MAX then
            micros, rest = MAX - now, 0
          end
        until passed == takes
        answers[index] = answer(passed, takes)
      end
      if passed > 0 then
        local x = now + micros
        local slot = bucket_slot(x, step)
        if own_clock and written and bucket_slot(written, step) == slot then
          call('SETRANGE', keys[index], '16', pack('<dd', x, rest))
        else
          local text = texts[slot] or string.format('%.0f', bucket_ttl(slot, step))
          texts[slot] = text
          call('PSETEX', keys[index], text, pack('<dddd', low, high, x, rest))
        end
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
    local text = string.format('%.0f', 60001 + (start + idle - now) / 1000)
    for index = place + 1, place + count do
      local state = found[index]
      local begun, current, previous, used, counted = start, 0, 0, 0, nil
      local same = not state or #state == 40
      if state and same then
        local its_low, its_high, its_begun, its_current, its_previous = unpack_from('<ddddd', state)
        same = its_low == low and its_high == high
        if start <= its_begun then
          begun, current, previous = its_begun, its_current, its_previous
          counted = current > 0 and begun
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
        left, left_questions, left_takes, lefts = left or {}, left_questions or {}, left_takes or {}, lefts + 1
        left[lefts], left_questions[lefts], left_takes[lefts] = index, question, takes
      else
        local passed = 0
        while passed < takes and used + cost <= p1 do
          used, current, passed = used + cost, current + cost, passed + 1
        end
        answers[index] = answer(passed, takes)
        if passed > 0 and own_clock and counted == begun then
          -- When it expires has been set by the first that counted in this window.
          call('SETRANGE', keys[index], '24', pack('<d', current))
        elseif passed > 0 then
          local ttl = text
          if begun ~= start then
            -- The clock has stepped back.
            ttl = string.format('%.0f', 60001 + (begun + idle - now) / 1000)
          end
          call('PSETEX', keys[index], ttl, pack('<ddddd', low, high, begun, current, previous))
        end
      end
    end
  end
  place = place + count
end
