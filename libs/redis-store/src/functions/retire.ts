/**
 * Removes all that is kept of a peer; only the owner may.
 *
 * KEYS: own, set of peers, positions, budgets, the peer's document, heartbeat and inbox. ARGV: term, name, peer.
 * Answers `{'retired'}` or `{'fenced', ownership or false}`.
 */
export const retire = `
redis.register_function('kvasir_3_retire', function(keys, argv)
  local own = own_of(keys[1])
  if not own or own[1] ~= argv[1] or own[2] ~= argv[2] then
    return {'fenced', own}
  end
  redis.call('SREM', keys[2], argv[3])
  redis.call('HDEL', keys[3], argv[3])
  redis.call('HDEL', keys[4], argv[3])
  redis.call('DEL', keys[5], keys[6], keys[7])
  return {'retired'}
end)
`
