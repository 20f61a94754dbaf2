-- Keep leases: those that are still there are good for as long again.
--
-- KEYS: `leases`, or a limit of what is held at once. ARGV: what `renewal` packs: how long a lease is good (ms), and the
-- ids of leases that are kept there.
--
-- Returns how many were kept.
local lease, ids = unpack(cmsgpack.unpack(ARGV[1]))
local clock = redis.call('TIME')
local till = clock[1] * 1000 + math.floor(clock[2] / 1000) + lease
local kept = 0
for _, id in ipairs(ids) do kept = kept + redis.call('ZADD', KEYS[1], 'XX', 'CH', till, id) end
redis.call('PEXPIRE', KEYS[1], 2 * lease)
return kept
