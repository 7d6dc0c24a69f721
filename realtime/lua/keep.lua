-- Tell a bundle of events of logs, and keep it for who comes back, for a publisher who knows where the logs stand.
-- Runs within the transaction that moves the logs on.
--
-- KEYS[1]  key of the bundle
-- ARGV[1]  milliseconds that it is kept
-- ARGV[2]  its channel
-- ARGV[3]  the bundle, see protocol/bundles.py
--
-- What a log says is of use within its epoch only, which ends when the server does. So the server writes it into
-- no file and tells it no replica.

redis.call('PUBLISH', ARGV[2], ARGV[3])
redis.set_repl(redis.REPL_NONE)
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[1])
