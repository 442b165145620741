import { divide } from '@kvasir/allocation'
import type { PoolSettings } from '@kvasir/contracts'
import type { Micros } from '@kvasir/kernel'
import { jainIndex } from '@kvasir/metrics'
import { type PoolInput, PoolMachine } from '../pool-machine.js'
import { type NoisyDemand, noisyDemands } from './noisy-demand.js'
import { NoisyEngine } from './noisy-engine.js'

export interface DampingRun {
  /** Six unless said otherwise. */
  readonly weights?: readonly number[]
  readonly bundles?: number
  /** Mean of all demands together over the pool. */
  readonly load?: number
  readonly rounds: number
  readonly seed: number
  readonly settings: PoolSettings
}

/** What a run of noisy demands in one pool came to. */
export interface DampingResult {
  readonly seed: number
  /** Bundles that had to be given up while in use, as a share of the pool a round. */
  readonly evicted: number
  /** Bundles used over what could be used: the pool, or all that is wanted if that is less. */
  readonly utilisation: number
  /** Jain's index of what engines used over their weighted max-min share of every round. */
  readonly jain: number
}

const WEIGHTS = [1, 1, 2, 2, 3, 4]
const EPOCH = 1
/** Within a round: when demand changes, and how long a donor's step lasts. */
const DEMAND_AT_US: Micros = 10_000
const STEP_US: Micros = 20_000
/** Rounds until everybody has had a share. */
const WARM_UP = 20

/**
 * Engines with noisy demands on one real pool machine. Every round demand changes, engines say so and ask for what they lack, donors
 * release at the end of a step, and at the end of the round what is in use is compared with what could be.
 */
export function runDamping(run: DampingRun): DampingResult {
  const { weights = WEIGHTS, bundles = 1_000, load = 1.1, rounds, seed, settings } = run
  const pool = new NoisyPool(noisyDemands(seed, weights, { bundles, load }), bundles, settings)
  let evicted = 0
  let used = 0
  let usable = 0
  const had = weights.map(() => 0)
  const due = weights.map(() => 0)
  for (let round = 0; round < rounds + WARM_UP; round++) {
    const before = pool.evicted
    pool.round(round)
    if (round < WARM_UP) continue
    const ideal = pool.idealShares()
    evicted += pool.evicted - before
    pool.engines.forEach(({ inUse }, i) => {
      used += inUse
      had[i] += inUse
      due[i] += ideal[i]
    })
    usable += Math.min(bundles, pool.demanded)
  }
  const satisfied = had.map((bundlesHad, i) => bundlesHad / due[i])
  return {
    seed,
    evicted: evicted / (rounds * bundles),
    utilisation: used / usable,
    jain: jainIndex(satisfied),
  }
}

class NoisyPool {
  readonly engines: readonly NoisyEngine[]
  readonly #demands: readonly NoisyDemand[]
  readonly #bundles: number
  readonly #machine: PoolMachine
  readonly #roundUs: Micros
  #now: Micros = 0

  constructor(demands: readonly NoisyDemand[], bundles: number, settings: PoolSettings) {
    this.#demands = demands
    this.#bundles = bundles
    this.#roundUs = settings.roundUs
    this.engines = demands.map((_, i) => new NoisyEngine(`e${i}`, EPOCH, settings.cooldownUs))
    const terms = { guarantee: 0, limit: 1, priority: 0, preemptible: true }
    this.#machine = new PoolMachine({
      pool: 'noisy',
      bundles,
      policy: 'weighted-max-min',
      settings,
      terms: new Map(demands.map(({ weight }, i) => [`e${i}`, { weight, ...terms }])),
      unitsPerToken: new Map(),
      nominalRate: new Map(),
      epoch: EPOCH,
    })
    for (const { name } of this.engines)
      this.#tell({
        kind: 'message',
        message: { kind: 'join', engine: name, incarnation: 1, number: 1, model: name },
      })
  }

  get evicted(): number {
    return this.engines.reduce((sum, { evicted }) => sum + evicted, 0)
  }

  get demanded(): number {
    return this.engines.reduce((sum, { demand }) => sum + demand, 0)
  }

  idealShares(): readonly number[] {
    const claims = this.engines.map(({ name, demand }, i) => {
      return { id: name, weight: this.#demands[i].weight, guarantee: 0, limit: Infinity, demand }
    })
    return divide({ capacity: this.#bundles, claims }).exact
  }

  round(number: number): void {
    const beginUs = number * this.#roundUs
    this.#passTo(beginUs + DEMAND_AT_US)
    this.engines.forEach((engine, i) => {
      engine.demand = this.#demands[i].at(number)
    })
    for (const engine of this.engines) this.#tell({ kind: 'message', message: engine.heartbeat() })
    for (let atUs = beginUs + DEMAND_AT_US; atUs < beginUs + this.#roundUs; atUs += STEP_US) {
      this.#passTo(atUs)
      for (const engine of this.engines) {
        if (engine.release()) this.#tell({ kind: 'message', message: engine.heartbeat() })
        const message = engine.ask(this.#now)
        if (message) this.#tell({ kind: 'message', message })
      }
    }
    this.#passTo(beginUs + this.#roundUs - 1)
  }

  #passTo(untilUs: Micros): void {
    for (;;) {
      const next = this.#machine.nextDeadline()
      if (next === undefined || next > untilUs) break
      this.#now = Math.max(this.#now, next)
      this.#tell({ kind: 'wake' })
    }
    this.#now = untilUs
  }

  #tell(input: PoolInput): void {
    for (const effect of this.#machine.step(this.#now, input)) {
      if (effect.kind !== 'document') continue
      const { document } = effect
      this.engines.find(({ name }) => name === document.engine)?.hear(this.#now, document)
    }
  }
}

/** Both settings over the same seeds: `damped` as given, `undamped` without dead zone and cap. */
export interface ComparedDamping {
  readonly damped: readonly DampingResult[]
  readonly undamped: readonly DampingResult[]
  /** In-use evictions of the damped runs over those of the undamped. */
  readonly evictedRatio: number
}

/** @param run without a seed: `seeds` are run one after the other, both ways. */
export function compareDamping(run: Omit<DampingRun, 'seed'>, seeds: readonly number[]): ComparedDamping {
  const undampedSettings = { ...run.settings, deadZone: 0, movePerRound: 1 }
  const damped = seeds.map((seed) => runDamping({ ...run, seed }))
  const undamped = seeds.map((seed) => runDamping({ ...run, seed, settings: undampedSettings }))
  return { damped, undamped, evictedRatio: evictedIn(damped) / evictedIn(undamped) }
}

function evictedIn(runs: readonly DampingResult[]): number {
  return runs.reduce((sum, { evicted }) => sum + evicted, 0)
}
