import { partsEach, rankByBundle, rankByShare } from './bundle-rank.js'
import { costClass, highestCost } from './cost-class.js'
import type { Occupancy } from './occupancy.js'

/** By candidate, as the supply book ranks it. */
export interface OccupancyRanks {
  readonly byBundle: readonly number[]
  readonly byShare: readonly number[]
}

/** The supply book's ranks of all candidates, from their occupancy alone. O(holdings). */
export function ranksOf(occupancy: Occupancy): OccupancyRanks {
  const { slots, heldCosts, starts, items, holders } = occupancy
  const classes = bundleClassesOf(occupancy)
  const byBundle: number[] = []
  const byShare: number[] = []
  for (let c = 0; c < slots.length; c++) {
    let parts = 0
    let cheapest = Infinity
    for (let j = starts[c]; j < starts[c + 1]; j++) {
      const bundle = items[j]
      parts += partsEach(holders[bundle])
      if (classes[bundle] >= 0) cheapest = Math.min(cheapest, rankByBundle(classes[bundle], bundle))
    }
    byBundle.push(cheapest)
    byShare.push(rankByShare(heldCosts[c], parts))
  }
  return { byBundle, byShare }
}

/** By bundle: the class of what all its holders cost, -1 where they differ in priority or may not all be stopped. */
function bundleClassesOf({ slots, priorities, heldCosts, starts, items, holders }: Occupancy): Int32Array {
  const costs = new Float64Array(holders.length)
  const seen = new Int32Array(holders.length)
  const priorityOf = new Float64Array(holders.length)
  const mixed = new Uint8Array(holders.length)
  for (let c = 0; c < slots.length; c++) {
    for (let j = starts[c]; j < starts[c + 1]; j++) {
      const bundle = items[j]
      costs[bundle] += highestCost(costClass(heldCosts[c]))
      if (seen[bundle]++ === 0) priorityOf[bundle] = priorities[c]
      else if (priorityOf[bundle] !== priorities[c]) mixed[bundle] = 1
    }
  }
  return Int32Array.from(holders, (count, bundle) =>
    count > 0 && seen[bundle] === count && mixed[bundle] === 0 ? costClass(costs[bundle]) : -1,
  )
}
