import type { Bundles } from '@kvasir/kernel'
import type { Lifecycle } from './lifecycle.js'
import { mapOccupancy, type Occupancy, VictimSet } from './occupancy.js'
import { ranksOf } from './occupancy-ranks.js'
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
 * the best of several greedy orders with what is not needed given back; among equals, those whose bundles have the least cached
 * content. When not even all candidates suffice, those of them that free anything. The slots come in the order in which they run.
 *
 * Never dearer than the supply curve of any one eligible priority that suffices. O(blocks held).
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
  for (const set of greedySets(occupancy, goal)) {
    if (set.freed >= goal && set.beats(best)) best = set
  }
  if (occupancy.slots.length <= exactCandidates) best = exact(occupancy, goal, best)
  return best.members()
}

/** Those that the supply curve's costs come from are among them: in the book's orders, of each priority alone. */
function* greedySets(occupancy: Occupancy, goal: Bundles): Iterable<VictimSet> {
  const { costs, starts, priorities } = occupancy
  const ranks = ranksOf(occupancy)
  yield byBundle(occupancy, goal)
  yield inOrder(occupancy, goal, (c) => ranks.byBundle[c])
  yield inOrder(occupancy, goal, (c) => ranks.byShare[c])
  yield inOrder(occupancy, goal, (c) => costs[c])
  yield inOrder(occupancy, goal, (c) => costs[c] / Math.max(1, starts[c + 1] - starts[c]))
  // The latest to run lie beside each other most often.
  yield inOrder(occupancy, goal, (c) => -c)
  const distinct = new Set(priorities)
  if (distinct.size === 1) return
  for (const priority of distinct) {
    yield inOrder(occupancy, goal, (c) => (priorities[c] === priority ? ranks.byBundle[c] : Infinity))
    yield inOrder(occupancy, goal, (c) => (priorities[c] === priority ? ranks.byShare[c] : Infinity))
  }
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

function byBundle(occupancy: Occupancy, goal: Bundles): VictimSet {
  const set = new VictimSet(occupancy)
  stopByBundle(occupancy, set, () => set.freed >= goal)
  set.giveBack(goal)
  return set
}

/** Lowest score first; those that score Infinity not at all. */
function inOrder(occupancy: Occupancy, goal: Bundles, score: (candidate: number) => number): VictimSet {
  const { slots } = occupancy
  const scores = slots.map((_, candidate) => score(candidate))
  const order = slots.map((_, candidate) => candidate).filter((candidate) => scores[candidate] < Infinity)
  order.sort((a, b) => scores[a] - scores[b] || slots[a] - slots[b])
  const set = new VictimSet(occupancy)
  for (const candidate of order) {
    if (set.freed >= goal) break
    set.add(candidate)
  }
  set.giveBack(goal)
  return set
}

/** Tries every set that is not dearer than the best known. */
function exact(occupancy: Occupancy, goal: Bundles, known: VictimSet): VictimSet {
  const set = new VictimSet(occupancy)
  let best = known
  const decide = (candidate: number): void => {
    if (set.freed >= goal) {
      if (set.beats(best)) best = copyOf(set, occupancy)
      return
    }
    if (candidate === occupancy.slots.length || set.cost > best.cost) return
    set.add(candidate)
    decide(candidate + 1)
    set.remove(candidate)
    decide(candidate + 1)
  }
  decide(0)
  return best
}

function copyOf(set: VictimSet, occupancy: Occupancy): VictimSet {
  const copy = new VictimSet(occupancy)
  for (const candidate of set.members()) copy.add(candidate)
  return copy
}
