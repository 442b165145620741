/**
 * Writes all that one step of an owner changed, or nothing: term, name and version must be those in the store.
 *
 * KEYS: own, state, positions, log, budgets, then a document for each of D, an inbox for each of P.
 * ARGV: term, name, version, commit id, epoch, whether it is the last ('1'), whether there is state ('1'), state, most lines of the
 * log kept, number of documents D, of log lines L, of positions P, of budgets B; then D times tick channel and text; L lines; P times
 * peer and position; B times peer and text, and their channel. Inboxes are trimmed up to the positions. Each peer whose document changed
 * is ticked, with the document; all whose budgets did at once, with a line for each peer and one for its text.
 * Answers `{'committed', version}` or `{'fenced', ownership or false}`.
 */
export const commit = `
redis.register_function('kvasir_3_commit', function(keys, argv)
  local own = own_of(keys[1])
  if not own or own[1] ~= argv[1] or own[2] ~= argv[2] or own[4] ~= argv[3] then
    return {'fenced', own}
  end
  local version = tonumber(own[4]) + 1
  local by = own[2]
  if argv[6] == '1' then by = '' end
  redis.call('HSET', keys[1], 'by', by, 'beat', tonumber(own[3]) + 1, 'version', version, 'epoch', argv[5], 'commit', argv[4])
  if argv[7] == '1' then redis.call('SET', keys[2], argv[8]) end
  local documents, lines, positions, budgets = tonumber(argv[10]), tonumber(argv[11]), tonumber(argv[12]), tonumber(argv[13])
  local at, key = 13, 5
  for _ = 1, documents do
    key = key + 1
    redis.call('SET', keys[key], argv[at + 2])
    redis.call('PUBLISH', argv[at + 1], argv[at + 2])
    at = at + 2
  end
  for _ = 1, lines do
    at = at + 1
    redis.call('XADD', keys[4], 'MAXLEN', '~', argv[9], '*', 'line', argv[at])
  end
  for _ = 1, positions do
    key = key + 1
    redis.call('HSET', keys[3], argv[at + 1], argv[at + 2])
    redis.call('XTRIM', keys[key], 'MINID', argv[at + 2])
    at = at + 2
  end
  if budgets > 0 then
    local last = at + 2 * budgets
    redis.call('PUBLISH', argv[last + 1], table.concat(argv, '\\n', at + 1, last))
    -- Lua hands over some thousand values at most.
    for from = at + 1, last, 1000 do
      redis.call('HSET', keys[5], unpack(argv, from, math.min(from + 999, last)))
    end
  end
  return {'committed', version}
end)
`
