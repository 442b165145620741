/**
 * Everything peers have said, in one snapshot.
 *
 * KEYS: own, set of peers, then a heartbeat and an inbox for each peer that the caller knows.
 * ARGV: most messages of an inbox, then the position in each inbox.
 * Answers `{ownership or false, peers, {heartbeat or false, messages} for each}`.
 */
export const peek = `
redis.register_function{function_name = 'kvasir_1_peek', callback = function(keys, argv)
  local limit = tonumber(argv[1])
  local said = {}
  for i = 2, #argv do
    local messages = {}
    if limit > 0 then messages = redis.call('XRANGE', keys[2 * i], '(' .. argv[i], '+', 'COUNT', limit) end
    said[i - 1] = {redis.call('GET', keys[2 * i - 1]), messages}
  end
  return {own_of(keys[1]), redis.call('SMEMBERS', keys[2]), said}
end, flags = {'no-writes'}}
`
