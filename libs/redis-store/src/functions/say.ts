/**
 * Adds a message to a peer's inbox, and rings for the owner with it: whoever has read up to the message before it need not look.
 *
 * KEYS: inbox, set of peers. ARGV: channel of the bell, peer, text, most messages of an inbox kept, about.
 * Answers the position of the message.
 */
export const say = `
redis.register_function('kvasir_3_say', function(keys, argv)
  local last = redis.call('XREVRANGE', keys[1], '+', '-', 'COUNT', 1)[1]
  local after = last and last[1] or '0-0'
  local position = redis.call('XADD', keys[1], 'MAXLEN', '~', argv[4], '*', 'text', argv[3])
  -- Said every time, for the store may have forgotten it.
  redis.call('SADD', keys[2], argv[2])
  redis.call('PUBLISH', argv[1], 'letter ' .. position .. ' ' .. after .. '\\n' .. argv[2] .. '\\n' .. argv[3])
  return position
end)
`
