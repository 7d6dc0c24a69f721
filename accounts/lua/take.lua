-- Count one request. KEYS: the hash of each policy; ARGV: see `take`.

return take(KEYS, 1, ARGV, 1)
