/**
 * Everything peers have said, in one snapshot.
 *
 * KEYS: own, set of peers, then a heartbeat and an inbox for each peer that the caller knows.
 * ARGV: most messages of an inbox, whether to say who else there is ('1'), then the position in each inbox.
 * Answers `{ownership or false, peers or false, {heartbeat or false, messages} for each}`.
 */
export const peek = `
redis.register_function{function_name = 'kvasir_3_peek', callback = function(keys, argv)
  local limit = tonumber(argv[1])
  local said = {}
  for i = 1, #argv - 2 do
    local messages = {}
    if limit > 0 then messages = redis.call('XRANGE', keys[2 * i + 2], '(' .. argv[i + 2], '+', 'COUNT', limit) end
    said[i] = {redis.call('GET', keys[2 * i + 1]), messages}
  end
  local peers = false
  if argv[2] == '1' then peers = redis.call('SMEMBERS', keys[2]) end
  return {own_of(keys[1]), peers, said}
end, flags = {'no-writes'}}
`
