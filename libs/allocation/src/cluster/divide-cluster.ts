import { invariant } from '@kvasir/kernel'
import { Level } from '../level.js'
import { BipartiteFlow } from './bipartite-flow.js'
import type { ClusterCondition, ClusterDivision, ClusterInput, ModelTarget } from './cluster.js'
import { engineShares } from './engine-shares.js'
import { type Placement, placementOf } from './placement.js'

/**
 * Weighted max-min over a whole cluster: models share pools through the engines they have there, and nobody's total can rise
 * without lowering that of somebody who has no more per weight (DESIGN.md §4). Totals are exact:
 *
 *     total = clamp(weight x level, floor, cap)     floor = max(guarantee, sum of its engines' floors)
 *                                                   cap   = max(that sum, min(limit, sum of its engines' caps))
 *
 * with one level for all models that compete for the same pools. Levels are found by decomposition (Fujishige 1980; Megiddo 1974):
 * try one level for everybody; a maximum flow says whether the pools can carry it; if not, its minimum cut names the models that
 * together want too much, which fill some pools alone and have all they can use of every other. They and the rest are two smaller
 * clusters, with a lower and a higher level. At most two flows a model.
 *
 * Every pool then divides by the weights that come with the answer, as it always does, and arrives at these totals at once, with one
 * rounding unit an engine. With all engines in one pool the weights are the models' own.
 *
 * Where guarantees cannot all be kept, those models that are held back share what they can get by the same rule, up to their
 * guarantees, and are named in a condition; the others are untouched. In a pool whose engines' guarantees exceed it nothing is
 * planned.
 *
 * Totals do not depend on the order of models, pools and engines; who gets what where may: pass them sorted by id.
 *
 * @throws {InvariantError} on numbers that `validateDivision` refuses, on unknown models, on ids used twice, and when the sum of
 * capacities times the sum of weights passes 2^53.
 */
export function divideCluster(input: ClusterInput): ClusterDivision {
  const placement = placementOf(input)
  const outcome = decompose(placement)
  const pools = engineShares(input, placement, outcome)
  const plan = new Map(pools.flatMap((pool) => pool.map((share) => [share.engine, share])))
  const engines = placement.engineModel.length
  invariant(plan.size === engines, () => `${engines} engines have ${plan.size} ids`)
  return {
    targets: input.models.map(({ id }, m) => targetOf(id, outcome, m)),
    pools,
    plan,
    conditions: conditionsOf(input, outcome),
  }
}

/** The exact division, before it is translated into weights. Amounts are numerators over the denominator of their model. */
export interface Outcome {
  readonly totals: Float64Array
  readonly denominators: Float64Array
  /** Units per weight of the models that compete with each; Infinity: all of them have their cap. */
  readonly levels: Float64Array
  /** The same for each pool; Infinity: everybody there has all it may have. */
  readonly poolLevels: Float64Array
  /** What each model's engines have without competing: floors, and all they can use of pools that are not full because of them. */
  readonly given: Float64Array
  readonly overcommitted: Uint8Array
  readonly amounts: Float64Array
  /** Whether the engine has all it can use. */
  readonly full: Uint8Array
}

/** Models that compete with each other, and the pools and engines through which they do. */
interface Block {
  readonly models: readonly number[]
  readonly pools: readonly number[]
  readonly engines: readonly number[]
  /** Whether its guarantees are divided instead of what lies above them. */
  readonly overcommitted: boolean
}

function decompose(placement: Placement): Outcome {
  const { weights, room, given, engineModel, engineFloors, spare } = placement
  const outcome: Outcome = {
    totals: new Float64Array(weights.length),
    denominators: new Float64Array(weights.length).fill(1),
    levels: new Float64Array(weights.length).fill(Infinity),
    poolLevels: new Float64Array(room.length).fill(Infinity),
    given: given.slice(),
    overcommitted: new Uint8Array(weights.length),
    amounts: engineFloors.slice(),
    full: Uint8Array.from(spare, (units) => (units === 0 ? 1 : 0)),
  }
  const left = room.slice()
  const search = new Search(placement, outcome, left)
  const whole: Block = {
    models: [...weights.keys()],
    pools: [...room.keys()],
    engines: [...engineModel.keys()].filter((engine) => spare[engine] > 0),
    overcommitted: false,
  }
  const open = search.keepGuarantees(whole)
  for (let block = open.pop(); block !== undefined; block = open.pop()) open.push(...search.settle(block))
  return outcome
}

/** Settles blocks or splits them. Room of pools and amounts of engines change as parts of them are decided. */
class Search {
  readonly #placement: Placement
  readonly #outcome: Outcome
  readonly #left: Float64Array
  readonly #level = new Level()
  /** Where a model and a pool are in the block at hand. */
  readonly #modelAt: Int32Array
  readonly #poolAt: Int32Array

  constructor(placement: Placement, outcome: Outcome, left: Float64Array) {
    this.#placement = placement
    this.#outcome = outcome
    this.#left = left
    this.#modelAt = new Int32Array(placement.weights.length)
    this.#poolAt = new Int32Array(left.length)
  }

  /** The models whose guarantees cannot all be kept, apart from the rest. */
  keepGuarantees(block: Block): Block[] {
    const { floors } = this.#placement
    const { given } = this.#outcome
    if (block.models.every((m) => floors[m] === given[m])) return [block]
    const flow = this.#flowOf(
      block,
      Float64Array.from(block.models, (m) => floors[m]),
      1,
    )
    if (flow.saturate()) return [block]
    const [held, rest] = this.#split(block, flow)
    return [rest, { ...held, overcommitted: true }]
  }

  /** One level for the block if its pools can carry it, else the two blocks it falls into. */
  settle(block: Block): readonly Block[] {
    if (block.models.length === 0) return []
    const level = this.#levelFor(block)
    const scale = level.bigParts === null ? level.denominator : Number(level.bigDenominator)
    const wanted = Float64Array.from(block.models, (_, i) => numeratorOf(level, i, scale))
    const flow = this.#flowOf(block, wanted, scale)
    if (!flow.saturate()) return this.#split(block, flow)

    const { totals, denominators, levels, poolLevels, overcommitted, amounts, full } = this.#outcome
    for (const p of block.pools) poolLevels[p] = level.lambda
    block.models.forEach((m, i) => {
      totals[m] = wanted[i]
      denominators[m] = scale
      levels[m] = level.lambda
      overcommitted[m] = block.overcommitted ? 1 : 0
    })
    block.engines.forEach((engine, k) => {
      // One division, so that an engine that has all of its model's total has exactly that.
      amounts[engine] = (amounts[engine] * scale + flow.flow[k]) / scale
      if (flow.spare[k] === 0) full[engine] = 1
    })
    return []
  }

  /** Totals as if all its models shared all its pools. */
  #levelFor(block: Block): Level {
    const { weights, floors, caps } = this.#placement
    const { given } = this.#outcome
    const level = this.#level
    level.reset(block.models.length)
    let units = block.pools.reduce((sum, p) => sum + this.#left[p], 0)
    block.models.forEach((m, i) => {
      level.ids[i] = ''
      level.weights[i] = weights[m]
      level.floors[i] = block.overcommitted ? given[m] : Math.max(floors[m], given[m])
      level.caps[i] = block.overcommitted ? Math.max(floors[m], given[m]) : caps[m]
      level.units[i] = 0
      level.lags[i] = 0
      units += given[m]
    })
    level.fillWhole(units)
    invariant(!level.overcommitted, () => `floors of ${block.models.length} models pass ${units} units`)
    return level
  }

  /** A flow with what the engines had before, as far as it fits, sent already. */
  #flowOf(block: Block, wanted: Float64Array, scale: number): BipartiteFlow {
    const { engineModel, enginePool, spare, before } = this.#placement
    block.models.forEach((m, i) => (this.#modelAt[m] = i))
    block.pools.forEach((p, i) => (this.#poolAt[p] = i))
    const from = Int32Array.from(block.engines, (engine) => this.#modelAt[engineModel[engine]])
    const to = Int32Array.from(block.engines, (engine) => this.#poolAt[enginePool[engine]])
    const flow = new BipartiteFlow(block.models.length, block.pools.length, from, to)
    block.models.forEach((m, i) => (flow.supply[i] = wanted[i] - this.#outcome.given[m] * scale))
    block.pools.forEach((p, i) => (flow.room[i] = this.#left[p] * scale))
    const had = new Float64Array(block.models.length)
    block.engines.forEach((engine, k) => {
      flow.spare[k] = spare[engine] * scale
      had[from[k]] += before[engine] * scale
    })
    const supply = flow.supply.slice()
    block.engines.forEach((engine, k) => {
      if (before[engine] === 0) return
      // In proportion, so that who has to give gives alike everywhere.
      const part = Math.min(1, supply[from[k]] / had[from[k]])
      flow.push(k, Math.floor(before[engine] * scale * part))
    })
    return flow
  }

  /**
   * Along the minimum cut. Who is held back fills the pools it reaches alone and has all it can use of every other pool: these
   * engines are decided here.
   */
  #split(block: Block, flow: BipartiteFlow): readonly [Block, Block] {
    const { engineModel, enginePool, spare } = this.#placement
    const { given, amounts, full } = this.#outcome
    const held = new Set(block.models.filter((_, i) => flow.holdsBackModel(i)))
    const filled = new Set(block.pools.filter((_, i) => flow.isFilledByThem(i)))
    invariant(held.size > 0, () => `${block.models.length} models lack units and nobody holds them back`)
    const inside: number[] = []
    const outside: number[] = []
    for (const engine of block.engines) {
      const [m, p] = [engineModel[engine], enginePool[engine]]
      if (held.has(m) && filled.has(p)) inside.push(engine)
      else if (!held.has(m) && !filled.has(p)) outside.push(engine)
      else if (held.has(m)) {
        amounts[engine] += spare[engine]
        full[engine] = 1
        given[m] += spare[engine]
        this.#left[p] -= spare[engine]
      }
    }
    const { overcommitted } = block
    return [
      { models: [...held], pools: [...filled], engines: inside, overcommitted },
      {
        models: block.models.filter((m) => !held.has(m)),
        pools: block.pools.filter((p) => !filled.has(p)),
        engines: outside,
        overcommitted,
      },
    ]
  }
}

function numeratorOf(level: Level, member: number, scale: number): number {
  const part = level.bigParts === null ? level.parts[member] : Number(level.bigParts[member])
  return level.wholes[member] * scale + part
}

function targetOf(model: string, outcome: Outcome, m: number): ModelTarget {
  const numerator = outcome.totals[m]
  const denominator = outcome.denominators[m]
  const level = outcome.levels[m] === Infinity ? null : outcome.levels[m]
  return { model, numerator, denominator, exact: numerator / denominator, level }
}

function conditionsOf(input: ClusterInput, outcome: Outcome): readonly ClusterCondition[] {
  const models = input.models.filter((_, m) => outcome.overcommitted[m] === 1).map(({ id }) => id)
  return models.length === 0 ? [] : [{ kind: 'guarantees_overcommitted', models }]
}
