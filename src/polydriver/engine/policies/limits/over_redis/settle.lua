-- Put what was really used in the place of what was taken, and give back what was held; each lease once.
--
-- KEYS: `leases`, `line`, `places`, then limits.
-- ARGV: how many leases; for each its id, when it was taken (ms, 0: not known), how many limits it took from, and for
-- each of those its number among KEYS, its window (ms, 0: what is held at once) and the difference. Then the places that
-- are given up.
--
-- Returns how many leases were ended.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local STEPS = 60
local at, ended = 1, 0

local function argument()
  at = at + 1
  return ARGV[at]
end

for _ = 1, tonumber(ARGV[1]) do
  local id, taken, limits = argument(), tonumber(argument()), tonumber(argument())
  local is_open = redis.call('ZREM', KEYS[1], id) == 1
  if is_open then ended = ended + 1 end
  for _ = 1, limits do
    local key, window, difference = KEYS[tonumber(argument())], tonumber(argument()), tonumber(argument())
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
for place = at + 1, #ARGV do
  redis.call('ZREM', KEYS[2], ARGV[place])
  redis.call('HDEL', KEYS[3], ARGV[place])
end
return ended
