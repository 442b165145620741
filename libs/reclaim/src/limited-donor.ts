import type { DonorClass, Pick } from './donor-class.js'
import { type Dish, type Menu, undominated } from './menu.js'

/** Work (points x room) up to which a donor's combinations are all weighed; above, only those of one greedy order. */
const COMBINATION_CELLS_MAX = 16_000_000

/**
 * All a donor can give without going below its floor, as one menu: for each number of bundles up to `room`, the cheapest combination of
 * its classes that frees exactly that many. Knapsack by dynamic programming, O(points x room).
 */
export function menuOfLimitedDonor(
  classes: readonly DonorClass[],
  indices: readonly number[],
  room: number,
): Menu {
  const offered = indices.reduce(
    (sum, i) => sum + Math.max(0, ...classes[i].points.map(({ bundles }) => bundles)),
    0,
  )
  const most = Math.min(room, offered)
  const points = indices.reduce((sum, i) => sum + classes[i].points.length, 0)
  if (most <= 0) return []
  return points * most <= COMBINATION_CELLS_MAX
    ? weighAll(classes, indices, most)
    : greedyPrefixes(classes, indices, most)
}

function weighAll(classes: readonly DonorClass[], indices: readonly number[], most: number): Menu {
  const width = most + 1
  const costs = new Float64Array(width).fill(Infinity)
  costs[0] = 0
  const choices = new Uint16Array(indices.length * width)
  indices.forEach((classIndex, row) => {
    const { points } = classes[classIndex]
    for (let freed = most; freed >= 1; freed--)
      points.forEach(({ bundles, cost }, k) => {
        if (bundles < 1 || bundles > freed || costs[freed - bundles] + cost >= costs[freed]) return
        costs[freed] = costs[freed - bundles] + cost
        choices[row * width + freed] = k + 1
      })
  })
  const dishes: Dish[] = []
  let cheapest = Infinity
  for (let freed = most; freed >= 1; freed--) {
    if (costs[freed] > cheapest || costs[freed] === Infinity) continue
    cheapest = costs[freed]
    dishes.push({ bundles: freed, cost: cheapest, picks: trace(classes, indices, choices, width, freed) })
  }
  return undominated(dishes)
}

function trace(
  classes: readonly DonorClass[],
  indices: readonly number[],
  choices: Uint16Array,
  width: number,
  freed: number,
): readonly Pick[] {
  const picks: Pick[] = []
  let left = freed
  for (let row = indices.length - 1; row >= 0 && left > 0; row--) {
    const choice = choices[row * width + left]
    if (choice === 0) continue
    picks.push(pickOf(classes, indices[row], choice - 1))
    left -= picks[picks.length - 1].bundles
  }
  return picks
}

/** Points by cost per bundle, one a class, as long as there is room; every prefix is a dish. */
function greedyPrefixes(classes: readonly DonorClass[], indices: readonly number[], most: number): Menu {
  const all = indices.flatMap((i) => classes[i].points.map((_, k) => pickOf(classes, i, k)))
  all.sort((a, b) => a.cost / a.bundles - b.cost / b.bundles || b.bundles - a.bundles)
  const used = new Set<number>()
  const dishes: Dish[] = []
  let picks: readonly Pick[] = []
  let [bundles, cost] = [0, 0]
  for (const pick of all) {
    if (used.has(pick.classIndex) || pick.bundles < 1 || bundles + pick.bundles > most) continue
    used.add(pick.classIndex)
    picks = [...picks, pick]
    bundles += pick.bundles
    cost += pick.cost
    dishes.push({ bundles, cost, picks })
  }
  return undominated(dishes)
}

function pickOf(classes: readonly DonorClass[], classIndex: number, point: number): Pick {
  const { donor, priority, points } = classes[classIndex]
  return { classIndex, donor, priority, ...points[point] }
}
