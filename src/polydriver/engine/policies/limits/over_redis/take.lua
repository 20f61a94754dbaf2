-- Take from all limits of some calls, each call all or nothing, in order, until one does not fit.
--
-- KEYS: the limits of the calls, then `leases`, `line`, `places`.
-- ARGV: what `taking` packs: for each limit its size and its window (ms, 0: what is held at once); how long a lease is
-- good (ms); the place in line ('' for none), its priority (0 or 1), how long a place is good without a word (ms); the
-- calls, each with its id and how much it takes of each limit; and leases that are settled before (see `settle`).
--
-- Returns, packed: how many calls were served; for the first that was not: after how many ms to ask again (-1: unknown)
-- and the number of the limit that it waits for; the time; and what is used of each limit.
local sizes, lease, place, priority, stay, calls, ends = unpack(cmsgpack.unpack(ARGV[1]))
local limits = #KEYS - 3
local leases, line, places = KEYS[limits + 1], KEYS[limits + 2], KEYS[limits + 3]
local LOW, WEEK = 2 ^ 42, 604800000

local _, _, changes = settle(leases, ends)
local size, state = {}, {}  -- of a limit of what is held at once only its key and what is `used`
for i = 1, limits do
  local key, window = KEYS[i], sizes[2 * i]
  size[i] = sizes[2 * i - 1]
  if window > 0 then
    state[i] = read(key, window, changes[i])
  else
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    state[i] = {key = key, used = redis.call('ZCARD', key)}
  end
end

-- After how many ms `amount` fits: 0 now, -1 when that depends on others.
local function wait_for(i, amount)
  local counted = state[i]
  local missing, window = counted.used + amount - size[i], counted.window
  if missing <= 0 then return 0 end
  if not window then return -1 end
  write(counted)
  local length, numbers = window / STEPS, {}
  for number = counted.first, counted.step do numbers[#numbers + 1] = number end
  for index, taken in ipairs(redis.call('HMGET', counted.key, unpack(numbers))) do
    missing = missing - (taken or 0)
    if missing <= 0 then
      return math.max(1, math.ceil((numbers[index] + STEPS + 1) * length) - now)
    end
  end
  return window
end

-- Those who came first keep what they wait for. A place whose holder is silent is gone.
local others = redis.call('ZRANGE', line, 0, -1, 'WITHSCORES')
local score, kept, is_in_line = now + priority * LOW, {}, false
for at = 1, place == '' and 0 or #others, 2 do
  if others[at] == place then score, is_in_line = tonumber(others[at + 1]), true end
end
for at = 1, #others, 2 do
  local other = others[at]
  if other == place or tonumber(others[at + 1]) > score then break end  -- they are in order
  local told = redis.call('HGET', places, other)
  if not told or tonumber(told:match('^%d+')) <= now then
    redis.call('ZREM', line, other)
    redis.call('HDEL', places, other)
  else
    for i = 1, limits do
      if told:find(' ' .. KEYS[i] .. ' ', 1, true) then kept[i] = true end
    end
  end
end

local served, wait, why, waited = 0, 0, 0, {}
local totals, held = {}, {}  -- `held`: by key, until when and by whom
for i = 1, limits do totals[i] = 0 end

local function hold(key, id)
  local new = held[key] or {}
  new[#new + 1], new[#new + 2] = now + lease, id
  held[key] = new
end

for number, call in ipairs(calls) do
  for i = 1, limits do
    local amount = call[i + 1]
    if amount > 0 then
      local seconds = kept[i] and -1 or wait_for(i, amount + totals[i])
      if seconds ~= 0 then
        waited[#waited + 1] = KEYS[i]
        if why == 0 or seconds > wait then wait, why = seconds, i end
      end
    end
  end
  if why ~= 0 then break end
  served = number
  local holds = false
  for i = 1, limits do
    local amount = call[i + 1]
    totals[i] = totals[i] + amount
    if amount > 0 and not state[i].window then
      holds = true
      hold(KEYS[i], call[1])
    end
  end
  if not holds then hold(leases, call[1]) end
end

if held[leases] then redis.call('ZREMRANGEBYSCORE', leases, '-inf', now) end
for key, new in pairs(held) do
  redis.call('ZADD', key, unpack(new))
  redis.call('PEXPIRE', key, lease * 2)
end

local used = {}
for i = 1, limits do
  local counted, amount = state[i], totals[i]
  if not counted.window then
    counted.used = counted.used + amount
  elseif amount > 0 then
    add(counted, amount)
  else
    write(counted)
  end
  used[i] = counted.used
end

if place ~= '' then
  if why == 0 then
    if is_in_line then
      redis.call('ZREM', line, place)
      redis.call('HDEL', places, place)
    end
  else
    local before = served == 0 and redis.call('HGET', places, place)
    local told = before and before:match('^%d+(.*)$') or ' '
    for _, key in ipairs(waited) do
      if not told:find(' ' .. key .. ' ', 1, true) then told = told .. key .. ' ' end
    end
    redis.call('ZADD', line, served > 0 and now + priority * LOW or score, place)
    redis.call('HSET', places, place, now + stay .. told)
    redis.call('PEXPIRE', line, WEEK)
    redis.call('PEXPIRE', places, WEEK)
  end
end

return cmsgpack.pack({served, wait, why, now, unpack(used)})
