-- Settle leases, and give places up.
--
-- KEYS: `leases`, `line`, `places`, then limits.
-- ARGV: what `settlement` packs: the leases (see `settle`), and the places that are given up.
--
-- Returns how many leases were ended.
local ends, given_up = unpack(cmsgpack.unpack(ARGV[1]))
for _, place in ipairs(given_up) do
  redis.call('ZREM', KEYS[2], place)
  redis.call('HDEL', KEYS[3], place)
end
local ended, windows, changes = settle(KEYS[1], ends)
for number, change in pairs(changes) do write(read(KEYS[number], windows[number], change)) end
return ended
