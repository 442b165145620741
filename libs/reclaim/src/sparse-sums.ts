import type { Menu } from './menu.js'

/** The cheapest way to one sum: a dish on top of an earlier sum, or nothing at all. */
export interface Sum {
  readonly freed: number
  readonly cost: number
  readonly last: {
    /** Position of the menu. */
    readonly row: number
    readonly dish: number
    readonly before: Sum
  } | null
}

/**
 * The least cost of every sum that one dish of each menu or none adds up to, kept in a map: for a few menus of large numbers, for which
 * a table over bundles would be too wide.
 *
 * @param most sums above it are left out, or counted as just that much.
 * @returns null when more than `sumsMax` sums would have to be made.
 */
export function sparseSums(
  menus: readonly Menu[],
  limits: { readonly most: number; readonly above: 'left-out' | 'counted-as-most'; readonly sumsMax: number },
): ReadonlyMap<number, Sum> | null {
  const { most, above, sumsMax } = limits
  const sums = new Map<number, Sum>([[0, { freed: 0, cost: 0, last: null }]])
  let made = 0
  for (let row = 0; row < menus.length; row++) {
    const { bundles, costs } = menus[row]
    made += sums.size * bundles.length
    if (made > sumsMax) return null
    // Those without this menu: the map grows meanwhile.
    const earlier = [...sums.values()]
    for (const before of earlier)
      for (let dish = 0; dish < bundles.length; dish++) {
        const sum = before.freed + bundles[dish]
        if (sum > most && above === 'left-out') break
        const freed = Math.min(sum, most)
        const cost = before.cost + costs[dish]
        const known = sums.get(freed)
        if (known === undefined || cost < known.cost)
          sums.set(freed, { freed, cost, last: { row, dish, before } })
      }
  }
  return sums
}

/** Dishes of a sum, by position of their menus. */
export function dishesOf(sum: Sum): readonly { readonly row: number; readonly dish: number }[] {
  const dishes: { row: number; dish: number }[] = []
  for (let { last } = sum; last !== null; last = last.before.last)
    dishes.push({ row: last.row, dish: last.dish })
  return dishes.reverse()
}

/** The sums as a menu: the cheapest ways to free ever more. */
export function menuOfSums(menus: readonly Menu[], sums: ReadonlyMap<number, Sum>): Menu {
  const kept: Sum[] = []
  for (const sum of [...sums.values()].sort((a, b) => b.freed - a.freed))
    if (sum.freed > 0 && (kept.length === 0 || sum.cost < kept[kept.length - 1].cost)) kept.push(sum)
  kept.reverse()
  return {
    bundles: kept.map(({ freed }) => freed),
    costs: kept.map(({ cost }) => cost),
    picksOf: (at) => dishesOf(kept[at]).flatMap(({ row, dish }) => menus[row].picksOf(dish)),
  }
}
