import type { OpenChoice } from './cover-exactly.js'
import type { Menu } from './menu.js'
import { NONE, type Selection } from './relaxation.js'
import { dishesOf, sparseSums } from './sparse-sums.js'

/**
 * `coverExactly` for a few menus of large numbers: writes the cheapest choice into `selection` and says whether there is one; null when
 * that would take more than `sumsMax` sums.
 */
export function coverSparsely(
  menus: readonly Menu[],
  open: OpenChoice,
  target: number,
  selection: Selection,
  sumsMax: number,
): boolean | null {
  const firsts = open.options.map(([first]) => first)
  // What the first option of a menu frees is freed anyway; the others add to it.
  const bases = firsts.map((dish, row) => (dish === NONE ? 0 : menus[open.menus[row]].bundles[dish]))
  const more = open.options.map((options, row): Menu => {
    const { bundles, costs } = menus[open.menus[row]]
    const cost = firsts[row] === NONE ? 0 : costs[firsts[row]]
    const others = options.slice(1)
    return {
      bundles: others.map((dish) => bundles[dish] - bases[row]),
      costs: others.map((dish) => costs[dish] - cost),
      picksOf: () => [],
    }
  })
  const needed = Math.max(0, target - bases.reduce((sum, bundles) => sum + bundles, 0))
  const sums = sparseSums(more, { most: needed, above: 'counted-as-most', sumsMax })
  if (sums === null) return null
  const best = sums.get(needed)
  if (best === undefined) return false
  open.menus.forEach((m, row) => {
    selection[m] = firsts[row]
  })
  for (const { row, dish } of dishesOf(best)) selection[open.menus[row]] = open.options[row][dish + 1]
  return true
}
