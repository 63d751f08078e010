  -- Logs and holders: lists of entries as they are stored, in the order of their instants.

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

  -- How many entries of a log must expire until what it has refused fits.
  local function must_expire(question, list, total)
    local offset, gone = expired(question, list)
    local used, number = total - gone, 0
    local most = question[7] - (question[5] == 1 and 1 or question[6])
    while most >= 0 and used > most and offset < #list do
      local _, count = unpack_from('<dd', list, offset + 1)
      used, offset, number = used - count, offset + 16, number + 1
    end
    return number
  end

  -- The state of a log in short, from which everything but a refund is decided alike: what has expired is one entry, and
  -- so is what comes after the first `number` of the others, but for the newest.
  local function abridged(question, state, number)
    if number == math.huge then
      return state
    end
    local list = string.sub(state, 34)
    local offset, gone = expired(question, list)
    local rest = offset + 16 * number
    if rest + 32 >= #list or #list + 16 * units >= 16 * question[9] then
      return state
    end
    local _, _, total = unpack_from('<ddd', state)
    local before, _, _, newest = unpack_from('<dddd', list, #list - 31)
    total = total - gone - newest
    for entry = offset, rest - 16, 16 do
      local _, count = unpack_from('<dd', list, entry + 1)
      total = total - count
    end
    local front = string.sub(state, 1, 33)
    if offset > 0 then
      front = front .. pack('<dd', (unpack_from('<d', list, offset - 15)), gone)
    end
    return front .. string.sub(list, offset + 1, rest) .. pack('<dd', before, total) .. string.sub(list, -16)
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
