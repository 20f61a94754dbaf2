-- What `take.lua` and `settle.lua` begin with: the time, and how leases are settled.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local STEPS = 60  -- of a window

-- Put what was really used in the place of what was taken, and give back what was held; each lease once.
--
-- `ends`: for each lease its id, when it was taken (ms, 0: not known), and, of each limit that it took from, the number
-- among KEYS, the window (ms, 0: what is held at once) and the difference, one after the other.
--
-- Returns how many leases were ended.
local function settle(leases, ends)
  local ended = 0
  for _, lease in ipairs(ends) do
    local id, taken, changes = lease[1], lease[2], lease[3]
    local is_open = redis.call('ZREM', leases, id) == 1
    if is_open then ended = ended + 1 end
    for at = 1, #changes, 3 do
      local key, window, difference = KEYS[changes[at]], changes[at + 1], changes[at + 2]
      if window == 0 then
        redis.call('ZREM', key, id)
      elseif is_open and taken > 0 and difference ~= 0 then
        local length = window / STEPS
        local step = math.floor(taken / length)
        local amount = step >= math.floor(now / length) - STEPS and redis.call('HGET', key, step)
        if amount then
          difference = math.max(difference, -tonumber(amount))
          redis.call('HINCRBY', key, step, difference)
          redis.call('HINCRBY', key, 'used', difference)
        end
      end
    end
  end
  return ended
end

