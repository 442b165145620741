import type { Bundles } from '@kvasir/kernel'
import type { Lifecycle } from './lifecycle.js'
import { mapOccupancy, type Occupancy, VictimSet } from './occupancy.js'
import { stopByBundle } from './stop-by-bundle.js'

export interface ReleaseGoal {
  /** Whole free bundles wanted, those free already included. */
  readonly bundles: Bundles
  /** Only sequences of a lower priority may be stopped. */
  readonly victimsBelow: number
}

/** Up to so many candidates every set of them is considered. */
const exactCandidates = 12

/**
 * Which running sequences to stop so that so many bundles are free, at the least cost found: exact for few candidates, else
 * the best of several greedy orders with what is not needed given back. When not even all candidates suffice, those of them
 * that free anything. The slots come in the order in which they run.
 */
export function planRelease(life: Lifecycle, { bundles, victimsBelow }: ReleaseGoal): number[] {
  const wanted = bundles - life.pool.freeBundles
  if (wanted <= 0) return []
  const { priority } = life.store
  const occupancy = mapOccupancy(life, (slot) => priority[slot] < victimsBelow)
  return chooseVictims(occupancy, wanted).map((candidate) => occupancy.slots[candidate])
}

/** Candidates to stop, ascending, so that `wanted` more bundles are free, or as many as can be. */
export function chooseVictims(occupancy: Occupancy, wanted: Bundles): number[] {
  const goal = Math.min(wanted, freeable(occupancy))
  if (goal <= 0) return []
  let best = everyOneOf(occupancy, goal)
  for (const set of [byCost(occupancy, goal), byCostPerBundle(occupancy, goal), byBundle(occupancy, goal)]) {
    if (set.cost < best.cost) best = set
  }
  if (occupancy.slots.length <= exactCandidates) best = exact(occupancy, goal, best)
  return best.members()
}

/** Bundles that come free when all candidates are stopped. */
function freeable(occupancy: Occupancy): Bundles {
  const all = new VictimSet(occupancy)
  for (let c = 0; c < occupancy.slots.length; c++) all.add(c)
  return all.freed
}

function everyOneOf(occupancy: Occupancy, goal: Bundles): VictimSet {
  const set = new VictimSet(occupancy)
  for (let c = 0; c < occupancy.slots.length; c++) set.add(c)
  set.giveBack(goal)
  return set
}

function byCost(occupancy: Occupancy, goal: Bundles): VictimSet {
  const { costs } = occupancy
  return inOrder(occupancy, goal, (c) => costs[c])
}

function byCostPerBundle(occupancy: Occupancy, goal: Bundles): VictimSet {
  const { costs, starts } = occupancy
  return inOrder(occupancy, goal, (c) => costs[c] / Math.max(1, starts[c + 1] - starts[c]))
}

function byBundle(occupancy: Occupancy, goal: Bundles): VictimSet {
  const set = new VictimSet(occupancy)
  stopByBundle(occupancy, set, () => set.freed >= goal)
  set.giveBack(goal)
  return set
}

function inOrder(occupancy: Occupancy, goal: Bundles, score: (candidate: number) => number): VictimSet {
  const order = occupancy.slots.map((_, candidate) => candidate)
  order.sort((a, b) => score(a) - score(b) || a - b)
  const set = new VictimSet(occupancy)
  for (const candidate of order) {
    if (set.freed >= goal) break
    set.add(candidate)
  }
  set.giveBack(goal)
  return set
}

/** Tries every set that is cheaper than the best known. */
function exact(occupancy: Occupancy, goal: Bundles, known: VictimSet): VictimSet {
  const set = new VictimSet(occupancy)
  let least = known.cost
  let members: number[] | undefined
  const decide = (candidate: number): void => {
    if (set.freed >= goal) {
      if (set.cost < least) {
        least = set.cost
        members = set.members()
      }
      return
    }
    if (candidate === occupancy.slots.length || set.cost >= least) return
    set.add(candidate)
    decide(candidate + 1)
    set.remove(candidate)
    decide(candidate + 1)
  }
  decide(0)
  if (members === undefined) return known
  const best = new VictimSet(occupancy)
  for (const candidate of members) best.add(candidate)
  return best
}
