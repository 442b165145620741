import type { Bell } from '@kvasir/coordinator-core'

/** What came on the channel of an actor's bell: the functions `say` and `beat` wrote it. A name alone: a peer of an older version rang. */
export function bellIn(text: string): Bell {
  const first = text.indexOf('\n')
  const second = text.indexOf('\n', first + 1)
  if (first < 0 || second < 0) return { kind: 'rang', peer: text }
  const [kind, position, after] = text.slice(0, first).split(' ')
  const peer = text.slice(first + 1, second)
  const said = text.slice(second + 1)
  if (kind === 'heartbeat') return { kind, peer, text: said }
  if (kind === 'letter') return { kind, letter: { peer, position, after, text: said } }
  return { kind: 'rang', peer }
}

/** Budgets by peer, as the function `commit` wrote them: a line with the name, and one with the text. */
export function budgetsIn(text: string): readonly (readonly [string, string])[] {
  const lines = text.split('\n')
  return lines.flatMap((peer, i) =>
    i % 2 === 0 && i + 1 < lines.length ? [[peer, lines[i + 1]] as const] : [],
  )
}
