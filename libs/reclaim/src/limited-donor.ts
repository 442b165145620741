import type { Pick } from './donor-class.js'
import { type Menu, mostOf } from './menu.js'
import { menuOfSums, sparseSums } from './sparse-sums.js'

/** Work (points x room) up to which a donor's combinations are all weighed; above, only those of one greedy order. */
const COMBINATION_CELLS_MAX = 16_000_000
/** Sums made where numbers are too large for that, up to which all are weighed all the same: about 10 ms of work. */
const SUMS_MAX = 100_000

/** A donor whose classes offer more than its room. */
export interface LimitedDonor {
  /** All points of each of its classes, fewest bundles first. */
  readonly classes: readonly Menu[]
  /** Most bundles it may give. */
  readonly room: number
}

export interface LimitedMenu {
  readonly menu: Menu
  /** Whether no combination is missing. */
  readonly exact: boolean
}

let costs = new Float64Array(1 << 12)
/** Which dish of a class is taken for a sum, 1 for the first. */
let notes = new Uint16Array(1 << 14)

/**
 * All a donor can give without going below its floor, as one menu: for each number of bundles up to its room, the cheapest combination of
 * its classes that frees exactly that many. Knapsack by dynamic programming, O(points x room). Which classes a dish takes is found out
 * again when it is asked for: hardly any of them ever is.
 */
export function menuOfLimitedDonor(donor: LimitedDonor): LimitedMenu {
  const { classes, room } = donor
  const points = classes.reduce((sum, { bundles }) => sum + bundles.length, 0)
  if (points * room > COMBINATION_CELLS_MAX) {
    const sums = sparseSums(classes, { most: room, above: 'left-out', sumsMax: SUMS_MAX })
    return sums === null
      ? { menu: greedyPrefixes(donor), exact: false }
      : { menu: menuOfSums(classes, sums), exact: true }
  }
  weighAll(donor, room)
  const bundles: number[] = []
  const prices: number[] = []
  let cheapest = Infinity
  for (let freed = room; freed >= 1; freed--) {
    if (costs[freed] >= cheapest) continue
    cheapest = costs[freed]
    bundles.push(freed)
    prices.push(cheapest)
  }
  bundles.reverse()
  prices.reverse()
  return {
    menu: { bundles, costs: prices, picksOf: (dish) => picksFor(donor, bundles[dish]) },
    exact: true,
  }
}

/** Fills `costs[b]` with the least cost to free exactly b bundles, for b up to `most`. */
function weighAll({ classes }: LimitedDonor, most: number): void {
  startAt(most)
  let before = 0
  for (const menu of classes) {
    before = Math.min(most, before + mostOf(menu))
    if (menu.bundles.length === 1) addDish(1, before, menu.bundles[0], menu.costs[0])
    else addMenu(1, before, menu)
  }
}

function startAt(most: number): void {
  if (costs.length <= most) costs = new Float64Array(2 * (most + 1))
  costs.fill(Infinity, 1, most + 1)
  costs[0] = 0
}

/** A class of one point, by far the most frequent. From the top down: what is read still knows nothing of it. */
function addDish(low: number, high: number, bundles: number, price: number): void {
  // Read once: a variable of the module is looked up again at every use.
  const table = costs
  const until = Math.max(low, bundles)
  for (let freed = high; freed >= until; freed--) {
    const total = table[freed - bundles] + price
    if (total < table[freed]) table[freed] = total
  }
}

function addMenu(low: number, high: number, { bundles, costs: prices }: Menu): void {
  const table = costs
  for (let freed = high; freed >= low; freed--)
    for (let k = 0; k < bundles.length && bundles[k] <= freed; k++) {
      const total = table[freed - bundles[k]] + prices[k]
      if (total < table[freed]) table[freed] = total
    }
}

/** The cheapest combination that frees exactly so many: weighed once more, without what can lead to no such sum, but with notes. */
function picksFor({ classes }: LimitedDonor, freed: number): readonly Pick[] {
  startAt(freed)
  const width = freed + 1
  if (notes.length < classes.length * width) notes = new Uint16Array(2 * classes.length * width)
  let before = 0
  let after = classes.reduce((sum, menu) => sum + mostOf(menu), 0)
  classes.forEach((menu, row) => {
    after -= mostOf(menu)
    before = Math.min(freed, before + mostOf(menu))
    const low = Math.max(1, freed - after)
    notes.fill(0, row * width + low, row * width + before + 1)
    if (menu.bundles.length === 1) noteDish(low, before, menu, row * width)
    else noteMenu(low, before, menu, row * width)
  })
  const picks: Pick[] = []
  let left = freed
  for (let row = classes.length - 1; row >= 0 && left > 0; row--) {
    const note = notes[row * width + left]
    if (note === 0) continue
    picks.push(...classes[row].picksOf(note - 1))
    left -= classes[row].bundles[note - 1]
  }
  return picks
}

/** {@link addDish} that notes where it is taken. */
function noteDish(
  low: number,
  high: number,
  { bundles: [bundles], costs: [price] }: Menu,
  row: number,
): void {
  const table = costs
  const taken = notes
  const until = Math.max(low, bundles)
  for (let freed = high; freed >= until; freed--) {
    const total = table[freed - bundles] + price
    if (total >= table[freed]) continue
    table[freed] = total
    taken[row + freed] = 1
  }
}

/** {@link addMenu} that notes which dish is taken. */
function noteMenu(low: number, high: number, { bundles, costs: prices }: Menu, row: number): void {
  const table = costs
  const taken = notes
  for (let freed = high; freed >= low; freed--)
    for (let k = 0; k < bundles.length && bundles[k] <= freed; k++) {
      const total = table[freed - bundles[k]] + prices[k]
      if (total >= table[freed]) continue
      table[freed] = total
      taken[row + freed] = k + 1
    }
}

/** Points by cost per bundle, one a class, as long as there is room; every prefix is a dish. */
function greedyPrefixes({ classes, room }: LimitedDonor): Menu {
  const all = classes.flatMap((menu) => menu.bundles.flatMap((_, dish) => menu.picksOf(dish)))
  all.sort((a, b) => a.cost / a.bundles - b.cost / b.bundles || b.bundles - a.bundles)
  const used = new Set<number>()
  const picks: Pick[] = []
  const bundles: number[] = []
  const prices: number[] = []
  let [freed, cost] = [0, 0]
  for (const pick of all) {
    if (used.has(pick.classIndex) || freed + pick.bundles > room) continue
    used.add(pick.classIndex)
    picks.push(pick)
    freed += pick.bundles
    cost += pick.cost
    bundles.push(freed)
    prices.push(cost)
  }
  return { bundles, costs: prices, picksOf: (dish) => picks.slice(0, dish + 1) }
}
