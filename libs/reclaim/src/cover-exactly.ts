import type { Menu } from './menu.js'
import { NONE, type Selection } from './relaxation.js'

/** What is still open: of each menu in `menus`, the dishes in `options`, by position; NONE, if it is one, comes first. */
export interface OpenChoice {
  /** Positions in the list of menus. */
  readonly menus: readonly number[]
  /** Rising. */
  readonly options: readonly (readonly number[])[]
}

/** Which option of each menu is taken to cover each number of bundles: kept between calls, grown to the largest. */
let choices = new Uint16Array(1 << 16)
let costs = new Float64Array(1 << 12)

/** Work of {@link coverExactly}: options x bundles. */
export function cellsOf({ options }: OpenChoice, target: number): number {
  return options.reduce((sum, { length }) => sum + length, 0) * Math.max(0, target)
}

/**
 * The cheapest way, one option a menu, to free at least `target` bundles: dynamic programming over menus and bundles, writes the choice
 * into `selection` and says whether there is one. Hot path: about 1.5 ns a cell, of which half are never looked at, for what comes
 * before a menu cannot reach them or what comes after cannot do without more; nothing is allocated but short lists.
 */
export function coverExactly(
  menus: readonly Menu[],
  open: OpenChoice,
  target: number,
  selection: Selection,
): boolean {
  const rows = open.menus.map((m, row) => rowOf(menus[m], open.options[row]))
  // What every option of a menu frees is freed anyway.
  const needed = Math.max(0, target - rows.reduce((sum, { baseBundles }) => sum + baseBundles, 0))
  const width = needed + 1
  if (choices.length < rows.length * width) choices = new Uint16Array(rows.length * width)
  if (costs.length < width) costs = new Float64Array(2 * width)
  costs.fill(Infinity, 1, width)
  costs[0] = 0

  let after = rows.reduce((sum, { most }) => sum + most, 0)
  let before = 0
  rows.forEach((row, r) => {
    after -= row.most
    before += row.most
    const high = Math.min(needed, before)
    const low = Math.max(1, needed - after)
    choices.fill(0, r * width + low, r * width + high + 1)
    if (row.bundles.length === 1) addDish(r * width, low, high, row.bundles[0], row.costs[0])
    else if (row.bundles.length > 1) addRow(r * width, low, high, row)
  })
  if (costs[needed] === Infinity) return false

  let left = needed
  for (let r = rows.length - 1; r >= 0; r--) {
    const choice = left > 0 ? choices[r * width + left] : 0
    selection[open.menus[r]] = open.options[r][choice]
    if (choice > 0) left = Math.max(0, left - rows[r].bundles[choice - 1])
  }
  return true
}

/** The options of a menu beyond its first, each with what it frees and costs more than that. */
interface Row {
  readonly baseBundles: number
  readonly bundles: readonly number[]
  readonly costs: readonly number[]
  readonly most: number
}

function rowOf({ bundles, costs: prices }: Menu, options: readonly number[]): Row {
  const [first, ...others] = options
  const baseBundles = first === NONE ? 0 : bundles[first]
  const baseCost = first === NONE ? 0 : prices[first]
  const more = others.map((dish) => bundles[dish] - baseBundles)
  return {
    baseBundles,
    bundles: more,
    costs: others.map((dish) => prices[dish] - baseCost),
    most: more.length === 0 ? 0 : more[more.length - 1],
  }
}

/** A row of one dish, by far the most frequent. From the top down: what is read still knows nothing of this row. */
function addDish(row: number, low: number, high: number, bundles: number, cost: number): void {
  // Read once: a variable of the module is looked up again at every use.
  const table = costs
  const chosen = choices
  const alone = Math.min(high, bundles)
  const until = Math.max(low, alone + 1)
  for (let covered = high; covered >= until; covered--) {
    const total = cost + table[covered - bundles]
    if (total >= table[covered]) continue
    table[covered] = total
    chosen[row + covered] = 1
  }
  // From here down it covers everything by itself.
  for (let covered = alone; covered >= low && cost < table[covered]; covered--) {
    table[covered] = cost
    chosen[row + covered] = 1
  }
}

function addRow(row: number, low: number, high: number, { bundles, costs: prices }: Row): void {
  const table = costs
  const chosen = choices
  for (let covered = high; covered >= low; covered--) {
    let best = table[covered]
    let choice = 0
    for (let k = 0; k < bundles.length; k++) {
      const total = prices[k] + (covered > bundles[k] ? table[covered - bundles[k]] : 0)
      if (total >= best) continue
      best = total
      choice = k + 1
    }
    table[covered] = best
    chosen[row + covered] = choice
  }
}
