/**
 * Takes an actor over, if nothing was acquired or committed since it was seen.
 *
 * KEYS: own, state, positions. ARGV: new owner's name; seen term, name and beat (three empty strings: nobody had owned it).
 * Answers `{'acquired', ownership, state or false, {peer, position, ...}}` or `{'fenced', ownership or false}`.
 */
export const acquire = `
redis.register_function('kvasir_3_acquire', function(keys, argv)
  local own = own_of(keys[1])
  local seen = own or {'', '', ''}
  if seen[1] ~= argv[2] or seen[2] ~= argv[3] or seen[3] ~= argv[4] then
    return {'fenced', own}
  end
  local term = 1
  if own then term = tonumber(own[1]) + 1 end
  redis.call('HSET', keys[1], 'term', term, 'by', argv[1], 'beat', 0)
  for _, field in ipairs({'version', 'epoch'}) do redis.call('HSETNX', keys[1], field, 0) end
  redis.call('HSETNX', keys[1], 'commit', '')
  return {'acquired', own_of(keys[1]), redis.call('GET', keys[2]), redis.call('HGETALL', keys[3])}
end)
`
