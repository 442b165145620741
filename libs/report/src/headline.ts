import type { Comparison } from './model.js'
import { times, withUnit } from './numbers.js'

/** What a comparison is judged by first, in this order: what it has. */
const HEADLINES = ['goodput', 'E2E p50'] as const

/** `Goodput: weighted-max-min 8.6/s, that is 1.25× uncoordinated (6.9/s), 3.3× static (2.6/s).` */
export function headline({ policies, rows }: Comparison): readonly string[] {
  const candidates = HEADLINES.map((metric) => rows.find((row) => row.metric === metric && row.scope === ''))
  const row = candidates.find((candidate) => candidate !== undefined)
  if (row === undefined) return []
  const sign = row.better === 'higher' ? -1 : 1
  const ranked = row.cells
    .flatMap((cell, i) => (cell === null ? [] : [{ policy: policies[i], value: cell.mean }]))
    .toSorted((a, b) => sign * (a.value - b.value))
  const [best, ...others] = ranked
  if (others.length === 0) return []
  const shown = (value: number) => withUnit(row.unit, value)
  const against = others.map(({ policy, value }) => {
    const [large, small] = [Math.max(value, best.value), Math.min(value, best.value)]
    return small > 0 ? `${times(large / small)} ${policy} (${shown(value)})` : `${policy} ${shown(value)}`
  })
  const how = row.better === 'higher' ? 'that is' : 'shorter than the others by'
  const name = `${row.metric[0].toUpperCase()}${row.metric.slice(1)}`
  return [`${name}: ${best.policy} ${shown(best.value)}, ${how} ${against.join(', ')}.`]
}
