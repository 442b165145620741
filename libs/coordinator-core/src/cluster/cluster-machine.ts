import { type ClusterDivision, divideCluster, type EngineShare } from '@kvasir/allocation'
import {
  CLUSTER_PERIOD_US,
  isClusterWordFresh,
  type ModelChange,
  type PoolReport,
  type ShareDocument,
} from '@kvasir/contracts'
import { compareIds, type Epoch, type Machine, type Micros } from '@kvasir/kernel'
import { clusterInput, type HeardReport } from './cluster-input.js'
import { type ChangeAnswer, ModelRegister } from './model-register.js'
import { isNewer } from './numbered.js'
import { togetherUs } from '../owner/together.js'
import { reportsDiffer } from './pool-report.js'

export interface ClusterOptions {
  readonly epoch: Epoch
  /** How long a change waits for others, so that what many pools say at about the same time makes one plan. */
  readonly gatherUs: Micros
  /** False: pools are told of operators' changes alone, and divide by their models' own weights. */
  readonly weighs?: boolean
}

/** What the next owner of the cluster must know; pools say the rest again. */
export interface ClusterState {
  readonly version: 1
  readonly models: readonly ModelChange[]
}

export type ClusterMachineInput =
  | { readonly kind: 'wake' }
  | { readonly kind: 'report'; readonly report: PoolReport }
  | { readonly kind: 'change'; readonly change: ModelChange }

export type ClusterEffect =
  | { readonly kind: 'shares'; readonly document: ShareDocument }
  | { readonly kind: 'planned'; readonly plan: ClusterDivision }
  | { readonly kind: 'changed'; readonly model: string; readonly answer: ChangeAnswer }

interface KnownPool extends HeardReport {
  /** The report that the newest plan was made from. */
  readonly planned: PoolReport | undefined
}

/**
 * The owner of the cluster: how much of it every model gets over all its pools, and so by which weights each pool divides. It
 * gives no tokens itself: every pool goes on alone, with the last weights for a while and then with its models' own.
 */
export class ClusterMachine implements Machine<ClusterMachineInput, ClusterEffect> {
  readonly #options: ClusterOptions
  readonly #weighs: boolean
  readonly #models: ModelRegister
  readonly #pools = new Map<string, KnownPool>()
  /** Of the documents of this epoch, all pools together. */
  #sequence = 0
  #plan: ReadonlyMap<string, EngineShare> = new Map()
  #planUs: Micros = Infinity

  constructor(options: ClusterOptions, state: ClusterState | null = null) {
    this.#options = options
    this.#weighs = options.weighs ?? true
    this.#models = new ModelRegister(state?.models ?? [])
  }

  nextDeadline(): Micros | undefined {
    return this.#planUs === Infinity ? undefined : this.#planUs
  }

  pack(): ClusterState {
    return { version: 1, models: this.#models.changes }
  }

  step(now: Micros, input: ClusterMachineInput): readonly ClusterEffect[] {
    const effects: ClusterEffect[] = []
    if (input.kind === 'report') this.#hear(now, input.report)
    if (input.kind === 'change') effects.push(this.#change(now, input.change))
    if (now >= this.#planUs) effects.push(...this.#divide(now))
    return effects
  }

  #hear(now: Micros, report: PoolReport): void {
    const known = this.#pools.get(report.pool)
    if (known && !isNewer(report, known.report)) return
    this.#pools.set(report.pool, { report, heardUs: now, planned: known?.planned })
    if (!known?.planned) this.#planBy(now + this.#options.gatherUs)
    if (!this.#weighs) return
    this.#planBy(now + CLUSTER_PERIOD_US)
    if (known?.planned && reportsDiffer(known.planned, report)) this.#planBy(now + this.#options.gatherUs)
  }

  #change(now: Micros, change: ModelChange): ClusterEffect {
    const answer = this.#models.change(change)
    if (answer.kind === 'accepted' && this.#pools.size > 0) this.#planBy(now + this.#options.gatherUs)
    return { kind: 'changed', model: change.model, answer }
  }

  #planBy(time: Micros): void {
    this.#planUs = Math.min(this.#planUs, time)
  }

  /** One plan of all pools that were heard of lately; documents go to every one of them, for they say that somebody is there. */
  #divide(now: Micros): readonly ClusterEffect[] {
    for (const [pool, { heardUs }] of this.#pools)
      if (!isClusterWordFresh(now - heardUs)) this.#pools.delete(pool)
    this.#planUs = this.#weighs && this.#pools.size > 0 ? togetherUs(now, CLUSTER_PERIOD_US) : Infinity
    const pools = [...this.#pools.values()].sort((a, b) => compareIds(a.report.pool, b.report.pool))
    const plan = this.#weighs ? this.#planOf(pools) : undefined
    const documents = pools.map((known, p): ClusterEffect => {
      this.#pools.set(known.report.pool, { ...known, planned: known.report })
      return { kind: 'shares', document: this.#documentFor(known.report, plan?.pools[p] ?? []) }
    })
    return plan ? [{ kind: 'planned', plan }, ...documents] : documents
  }

  #planOf(pools: readonly KnownPool[]): ClusterDivision {
    const input = clusterInput(pools, (model) => this.#models.find(model)?.terms.weight)
    const plan = divideCluster({ ...input, before: this.#plan })
    this.#plan = plan.plan
    return plan
  }

  #documentFor({ pool }: PoolReport, shares: readonly EngineShare[]): ShareDocument {
    return {
      pool,
      epoch: this.#options.epoch,
      sequence: ++this.#sequence,
      models: this.#models.changes,
      weights: shares.map(({ engine, weight }) => ({ engine, weight })),
    }
  }
}
