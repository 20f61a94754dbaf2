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

local size, window, step, used, first = {}, {}, {}, {}, {}

local function read(i)
  local key = KEYS[i]
  if window[i] == 0 then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    used[i] = redis.call('ZCARD', key)
    return
  end
  local length = window[i] / STEPS
  step[i] = math.floor(now / length)
  local known = redis.call('HMGET', key, 'used', 'first')
  used[i], first[i] = tonumber(known[1] or 0), tonumber(known[2] or step[i])
  local oldest = step[i] - STEPS
  if first[i] < oldest then  -- steps that are no longer in the window
    local gone = {}
    for number = first[i], math.min(oldest, first[i] + 2 * STEPS + 2) - 1 do gone[#gone + 1] = number end
    for _, amount in ipairs(redis.call('HMGET', key, unpack(gone))) do
      if amount then used[i] = used[i] - amount end
    end
    redis.call('HDEL', key, unpack(gone))
    used[i], first[i] = math.max(0, used[i]), oldest
    redis.call('HSET', key, 'used', used[i], 'first', oldest)
  end
end

-- After how many ms `amount` fits: 0 now, -1 when that depends on others.
local function wait_for(i, amount)
  local missing = used[i] + amount - size[i]
  if missing <= 0 then return 0 end
  if window[i] == 0 then return -1 end
  local length, numbers = window[i] / STEPS, {}
  for number = first[i], step[i] do numbers[#numbers + 1] = number end
  for index, taken in ipairs(redis.call('HMGET', KEYS[i], unpack(numbers))) do
    missing = missing - (taken or 0)
    if missing <= 0 then
      return math.max(1, math.ceil((numbers[index] + STEPS + 1) * length) - now)
    end
  end
  return window[i]
end

settle(leases, ends)
for i = 1, limits do
  size[i], window[i] = sizes[2 * i - 1], sizes[2 * i]
  read(i)
end

-- Those who came first keep what they wait for. A place whose holder is silent is gone.
local mine = place ~= '' and redis.call('ZSCORE', line, place) or nil
local score = tonumber(mine or (now + priority * LOW))
local kept = {}
local others = redis.call('ZRANGE', line, 0, -1, 'WITHSCORES')
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
local ids, totals = {}, {}
for i = 1, limits do totals[i] = 0 end
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
  ids[number] = call[1]
  for i = 1, limits do
    local amount = call[i + 1]
    totals[i] = totals[i] + amount
    if window[i] == 0 and amount > 0 then
      redis.call('ZADD', KEYS[i], now + lease, call[1])
      redis.call('PEXPIRE', KEYS[i], lease * 2)
    end
  end
end

if served > 0 then
  for i = 1, limits do
    if totals[i] > 0 then
      used[i] = used[i] + totals[i]
      if window[i] > 0 then
        redis.call('HINCRBY', KEYS[i], 'used', totals[i])
        if redis.call('HINCRBY', KEYS[i], step[i], totals[i]) == totals[i] then  -- the first of this step
          redis.call('HSETNX', KEYS[i], 'first', step[i])
          redis.call('PEXPIRE', KEYS[i], window[i] + math.ceil(2 * window[i] / STEPS))
        end
      end
    end
  end
  redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
  for _, id in ipairs(ids) do redis.call('ZADD', leases, now + lease, id) end
  redis.call('PEXPIRE', leases, lease * 2)
end

if place ~= '' then
  if why == 0 then
    if mine then
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
