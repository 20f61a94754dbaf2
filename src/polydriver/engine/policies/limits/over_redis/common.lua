-- What `take.lua` and `settle.lua` begin with: the time, how leases end, and how a window is read and written.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local STEPS = 60  -- of a window
local steps, names = {}, {}  -- by window: the number of this step, and the field that it has

-- End leases, each once: give back what they hold at once, and gather what changes in windows.
--
-- `ends`: for each lease its id, when it was taken (ms, 0: not known), and, of each limit that it took from, the number
-- among KEYS, the window (ms, 0: what is held at once) and the difference of what was used, one after the other. A lease
-- is kept where it holds something, else under `leases`: who removes it there has ended it.
--
-- Returns how many leases were ended, and by the number of a key its window and the differences by step.
local function settle(leases, ends)
  local ended, windows, changes = 0, {}, {}
  for _, lease in ipairs(ends) do
    local id, taken, told, is_open = lease[1], lease[2], lease[3], nil
    for at = 1, #told, 3 do
      if told[at + 1] == 0 then is_open = redis.call('ZREM', KEYS[told[at]], id) == 1 or is_open or false end
    end
    if is_open == nil then is_open = redis.call('ZREM', leases, id) == 1 end
    if is_open then
      ended = ended + 1
      for at = 1, taken > 0 and #told or 0, 3 do
        local number, window, difference = told[at], told[at + 1], told[at + 2]
        if window > 0 and difference ~= 0 then
          if not changes[number] then windows[number], changes[number] = window, {} end
          local change, step = changes[number], math.floor(taken / (window / STEPS))
          change[step] = (change[step] or 0) + difference
        end
      end
    end
  end
  return ended, windows, changes
end

-- What is counted under `key`: how much is `used`, the `first` step, this `step` and what it has `here`, if anything.
-- The differences of `change` (nil: none) are made in steps that are still counted, and older steps are forgotten.
-- `write` keeps what is new: `used`, `here` and `more`.
local function read(key, window, change)
  local step, name = steps[window], names[window]
  if not step then
    step = math.floor(now / (window / STEPS))
    name = string.format('%d', step)  -- once: Redis takes long to make words of numbers
    steps[window], names[window] = step, name
  end
  local oldest, asked, known = step - STEPS, nil, nil
  if change then
    asked = {'used', 'first', step}
    for number in pairs(change) do
      if number ~= step then asked[#asked + 1] = number end
    end
    known = redis.call('HMGET', key, unpack(asked))
  else
    known = redis.call('HMGET', key, 'used', 'first', name)
  end
  local used, first, here = tonumber(known[1] or 0), tonumber(known[2] or step), known[3]
  local more, is_new = known[2] and {} or {'first', name}, false
  if first < oldest then
    local gone = {}
    for number = first, math.min(oldest, first + 2 * STEPS + 2) - 1 do gone[#gone + 1] = number end
    for _, amount in ipairs(redis.call('HMGET', key, unpack(gone))) do
      if amount then used = used - amount end
    end
    redis.call('HDEL', key, unpack(gone))
    used, first, more, is_new = math.max(0, used), oldest, {'first', oldest}, true
  end
  for at = 3, change and #asked or 0 do
    local number, amount = asked[at], known[at]
    local difference = amount and number >= oldest and change[number]
    if difference then
      local changed = math.max(0, amount + difference)
      used, is_new = used + changed - amount, true
      if at == 3 then here = changed else more[#more + 1], more[#more + 2] = number, changed end
    end
  end
  return {key = key, window = window, used = used, first = first, step = step, here = here, more = more, is_new = is_new}
end

local function write(state)
  if not state.is_new then return end
  local more = state.more
  if state.here then more[#more + 1], more[#more + 2] = names[state.window], state.here end
  redis.call('HSET', state.key, 'used', state.used, unpack(more))
  state.more, state.is_new = {}, false
end

-- Count so much more in this step.
local function add(state, amount)
  local is_first = not state.here
  state.used, state.here, state.is_new = state.used + amount, (state.here or 0) + amount, true
  write(state)
  if is_first then redis.call('PEXPIRE', state.key, state.window + math.ceil(2 * state.window / STEPS)) end
end

