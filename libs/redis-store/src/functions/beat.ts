/**
 * Overwrites a peer's heartbeat, and reads its document. If asked to, rings for the owner with the heartbeat.
 *
 * KEYS: heartbeat, set of peers, document, budgets. ARGV: channel of the bell, peer, text, whether to ring ('1').
 * Answers `{document or false, budget or false}`.
 */
export const beat = `
redis.register_function('kvasir_3_beat', function(keys, argv)
  redis.call('SET', keys[1], argv[3])
  redis.call('SADD', keys[2], argv[2])
  if argv[4] == '1' then redis.call('PUBLISH', argv[1], 'heartbeat\\n' .. argv[2] .. '\\n' .. argv[3]) end
  return {redis.call('GET', keys[3]), redis.call('HGET', keys[4], argv[2])}
end)
`
