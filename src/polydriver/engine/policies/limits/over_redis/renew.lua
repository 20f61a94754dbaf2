-- Keep leases: those that are still there are good for as long again.
--
-- KEYS: `leases`, then limits of what is held at once. ARGV: how long a lease is good (ms), how many keys; for each key
-- its number, how many leases, and their ids.
--
-- Returns how many were kept.
local clock = redis.call('TIME')
local till = clock[1] * 1000 + math.floor(clock[2] / 1000) + tonumber(ARGV[1])
local at, kept = 3, 0
for _ = 1, tonumber(ARGV[2]) do
  local key, count = KEYS[tonumber(ARGV[at])], tonumber(ARGV[at + 1])
  for index = at + 2, at + 1 + count do
    kept = kept + redis.call('ZADD', key, 'XX', 'CH', till, ARGV[index])
  end
  redis.call('PEXPIRE', key, 2 * tonumber(ARGV[1]))
  at = at + 2 + count
end
return kept
