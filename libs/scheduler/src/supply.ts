import type { SupplyPoint } from '@kvasir/contracts'
import type { Lifecycle } from './lifecycle.js'
import { mapOccupancy, VictimSet } from './occupancy.js'
import { stopByBundle } from './stop-by-bundle.js'

export type { SupplyPoint } from '@kvasir/contracts'

/** Most points of a curve: `SUPPLY_POINTS_MAX` of the contracts, whose schemas a pure library does not load. */
const pointsMax = 16

/**
 * What it costs to free 1, 2, 4, ... bundles beyond those that are free, by stopping running sequences of exactly one priority:
 * points of different priorities may be added up (together they free at least as many). Within a priority the numbers are
 * cumulative. Priorities ascend; the lowest ones have the most points where not all find room.
 *
 * The costs are upper bounds: `releaseBundles` finds the same victims or cheaper ones. One pass per priority, O(blocks held).
 */
export function supplyPoints(life: Lifecycle): SupplyPoint[] {
  const priorities = prioritiesOf(life)
  const points: SupplyPoint[] = []
  for (let i = 0; i < priorities.length && points.length < pointsMax; i++) {
    const room = Math.ceil((pointsMax - points.length) / (priorities.length - i))
    points.push(...pointsOf(life, priorities[i], room))
  }
  return points
}

function prioritiesOf({ store: { priority }, running, runningCount }: Lifecycle): number[] {
  const distinct = new Set<number>()
  for (let i = 0; i < runningCount; i++) distinct.add(priority[running[i]])
  return Array.from(distinct).sort((a, b) => a - b)
}

function pointsOf(life: Lifecycle, priority: number, room: number): SupplyPoint[] {
  const occupancy = mapOccupancy(life, (slot) => life.store.priority[slot] === priority)
  const set = new VictimSet(occupancy)
  const points: SupplyPoint[] = []
  let next = 1
  stopByBundle(
    occupancy,
    set,
    () => points.length >= room,
    () => {
      // One stop may free many bundles: only the largest power of two within is a point of its own.
      while (2 * next <= set.freed) next *= 2
      if (set.freed < next || points.length >= room) return
      points.push({ priority, bundles: next, costUs: Math.round(set.cost) })
      next *= 2
    },
  )
  return points
}
