import { SeededRng } from '@kvasir/kernel'
import { decide, DEFAULT_RECLAIM_POLICY } from '../decide.js'
import type { ChoiceInput } from '../donor-class.js'
import { kapslDonor } from '../kapsl-donor.js'
import type { EngineView, PoolView, ReclaimRequest } from '../pool-view.js'
import { plainOptimum } from './plain-optimum.js'
import {
  asCurves,
  asGroups,
  type PreemptionInstance,
  PRIORITIES,
  randomPreemption,
} from './random-preemption.js'

/** How one way to choose did on all instances that are feasible. */
export interface ChoiceQuality {
  readonly way: string
  /** Cost of each grant over the least cost there is. */
  readonly mean: number
  readonly p99: number
  readonly worst: number
  /** Feasible requests that were denied, as a share of all. */
  readonly denied: number
  /** Grants for which work stops that does not rank below the request, as a share of all grants. */
  readonly inversions: number
  /** Bundles freed over bundles needed, summed over all grants. */
  readonly freedPerNeeded: number
}

export interface ComparedChoices {
  readonly seed: number
  readonly feasible: number
  readonly ways: readonly ChoiceQuality[]
}

export type SupplyShape = 'groups' | 'curves'

/** Takes the same random preemptions in several ways, and compares each with the optimum that a plain table finds. */
export function compareChoices(options: {
  readonly seed: number
  readonly instances: number
  readonly shape: SupplyShape
}): ComparedChoices {
  const { seed, instances, shape } = options
  const rng = new SeededRng(seed, 'optimum')
  const ways = waysFor(shape).map(({ way, choose }) => ({ choose, tally: new Tally(way) }))
  let feasible = 0
  for (let run = 0; run < instances; run++) {
    const instance = randomPreemption(rng)
    const optimum = plainOptimum(inputOf(instance, shape))
    if (optimum === Infinity) continue
    feasible++
    for (const { choose, tally } of ways) tally.add(choose(instance), instance.needed, optimum)
  }
  return { seed, feasible, ways: ways.map(({ tally }) => tally.quality()) }
}

/** What one way frees, null when it denies. */
interface Freed {
  readonly cost: number
  readonly bundles: number
  readonly inverted: boolean
}

interface Way {
  readonly way: string
  readonly choose: (instance: PreemptionInstance) => Freed | null
}

function waysFor(shape: SupplyShape): readonly Way[] {
  const ours = (exactCellsMax: number) => (instance: PreemptionInstance) =>
    decided(instance, shape, exactCellsMax)
  const ways: Way[] = [
    { way: 'as configured', choose: ours(DEFAULT_RECLAIM_POLICY.exactCellsMax) },
    { way: 'greedy orders alone', choose: ours(0) },
  ]
  return shape === 'groups' ? [...ways, { way: 'earlier single-donor rule', choose: bySingleDonor }] : ways
}

function inputOf(instance: PreemptionInstance, shape: SupplyShape): ChoiceInput {
  return shape === 'groups' ? asGroups(instance) : asCurves(instance)
}

/** The broker's own decision, with all the work on offer: it has to leave alone what outranks the request. */
function decided(instance: PreemptionInstance, shape: SupplyShape, exactCellsMax: number): Freed | null {
  const { needed, priority } = instance
  const request: ReclaimRequest = { id: 'r/1', engine: 'r', bundles: needed, priority, class: 'priority' }
  const decision = decide(request, viewOf(instance, shape), { ...DEFAULT_RECLAIM_POLICY, exactCellsMax })
  if (decision.outcome === 'denied') return null
  return {
    cost: decision.costUs,
    bundles: decision.donors.reduce((sum, { bundles }) => sum + bundles, 0),
    inverted: decision.donors.some(({ priorityCeiling }) => (priorityCeiling ?? Infinity) >= priority),
  }
}

function viewOf(instance: PreemptionInstance, shape: SupplyShape): PoolView {
  const everything = inputOf({ ...instance, priority: PRIORITIES }, shape)
  const donors = instance.donors.map(({ id, groups }): EngineView => {
    const leased = groups.reduce((sum, { bundles }) => sum + bundles, 0)
    return {
      ...idle(id),
      leased,
      inUse: leased,
      supplyKind: shape === 'groups' ? 'groups' : 'curve',
      supply: everything.classes
        .filter(({ donor }) => donor === id)
        .flatMap(({ priority, points }) =>
          points.map(({ bundles, cost }) => ({ priority, bundles, costUs: cost })),
        ),
    }
  })
  const bundles = donors.reduce((sum, { leased }) => sum + leased, 0)
  return { nowUs: 0, bundles, free: 0, engines: [idle('r'), ...donors] }
}

function idle(id: string): EngineView {
  return {
    id,
    weight: 1,
    guarantee: 0,
    limit: Infinity,
    entitlement: 0,
    leased: 0,
    inUse: 0,
    state: 'live',
    supply: [],
  }
}

/** The earlier system's donor, whose engine stops the lowest priority first, whatever that costs, until there is enough. */
function bySingleDonor({ donors, needed, priority }: PreemptionInstance): Freed | null {
  const id = kapslDonor({
    registered: ['r', ...donors.map((donor) => donor.id)],
    requester: 'r',
    needed,
    priority,
    lowestRunning: new Map(
      donors.map((donor) => [donor.id, Math.min(...donor.groups.map((group) => group.priority))]),
    ),
    freeable: new Map(
      donors.map((donor) => [donor.id, donor.groups.reduce((sum, { bundles }) => sum + bundles, 0)]),
    ),
  })
  const groups = donors.find((donor) => donor.id === id)?.groups
  if (groups === undefined) return null
  let [cost, bundles, inverted] = [0, 0, false]
  for (const group of [...groups].sort((a, b) => a.priority - b.priority)) {
    if (bundles >= needed) break
    bundles += group.bundles
    cost += group.cost
    inverted ||= group.priority >= priority
  }
  return { cost, bundles, inverted }
}

class Tally {
  readonly #way: string
  readonly #ratios: number[] = []
  #denied = 0
  #inverted = 0
  #freed = 0
  #needed = 0

  constructor(way: string) {
    this.#way = way
  }

  add(freed: Freed | null, needed: number, optimum: number): void {
    if (freed === null) {
      this.#denied++
      return
    }
    this.#ratios.push(freed.cost / optimum)
    this.#inverted += freed.inverted ? 1 : 0
    this.#freed += freed.bundles
    this.#needed += needed
  }

  quality(): ChoiceQuality {
    const ratios = this.#ratios.sort((a, b) => a - b)
    const count = ratios.length
    return {
      way: this.#way,
      mean: ratios.reduce((sum, ratio) => sum + ratio, 0) / count,
      p99: ratios[Math.floor(0.99 * count)],
      worst: ratios[count - 1],
      denied: this.#denied / (this.#denied + count),
      inversions: this.#inverted / count,
      freedPerNeeded: this.#freed / this.#needed,
    }
  }
}
