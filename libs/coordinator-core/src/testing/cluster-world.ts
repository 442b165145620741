import type { EngineTerms, PoolReport, ShareDocument } from '@kvasir/contracts'
import type { Micros } from '@kvasir/kernel'
import { type ClusterEffect, ClusterMachine, type ClusterMachineInput } from '../cluster/cluster-machine.js'
import { PoolWorld } from './pool-world.js'

export interface WorldEngine {
  readonly engine: string
  readonly model: string
  /** Tokens it says it could compute in a round. */
  readonly tokens: number
}

export interface ClusterWorldOptions {
  readonly terms: Readonly<Record<string, Partial<EngineTerms>>>
  readonly pools: readonly (readonly WorldEngine[])[]
}

/** Time that every message takes, and the grain of the world's clock. */
const SLICE_US: Micros = 5_000
const HEARTBEAT_US: Micros = 300_000

/** Pools of 1,000 tokens a round whose engines never fall silent, and the cluster's owner, in virtual time. */
export class ClusterWorld {
  readonly cluster = new ClusterMachine({ epoch: 1, gatherUs: 50_000 })
  readonly pools: readonly PoolWorld[]
  readonly documents: ShareDocument[] = []
  readonly reports: PoolReport[] = []
  now: Micros = 1_000_000
  /** Nothing gets through between the cluster and its pools. */
  cut = false
  /** What becomes of a document on its way: sent on as so many copies; some may come from earlier. */
  mail: (document: ShareDocument) => readonly ShareDocument[] = (document) => [document]
  readonly engines: WorldEngine[][]
  #toCluster: PoolReport[] = []
  #toPools: ShareDocument[] = []

  constructor({ terms, pools }: ClusterWorldOptions) {
    this.engines = pools.map((engines) => [...engines])
    this.pools = pools.map((engines, p) => {
      const world = new PoolWorld({ pool: poolName(p), clusterUnits: 1, terms, bundles: 1_000 })
      world.now = this.now
      world.observer = (effect) => {
        if (effect.kind === 'report') this.#toCluster.push(effect.report)
      }
      for (const { engine, model } of engines) world.join(engine, { model })
      return world
    })
    this.beat()
  }

  tell(input: ClusterMachineInput): readonly ClusterEffect[] {
    const effects = this.cluster.step(this.now, input)
    for (const effect of effects) {
      if (effect.kind !== 'shares') continue
      this.documents.push(effect.document)
      this.#toPools.push(...this.mail(effect.document))
    }
    return effects
  }

  pass(us: Micros): void {
    for (const until = this.now + us; this.now < until; ) {
      this.now += SLICE_US
      const [reports, documents] = [this.#toCluster, this.#toPools]
      this.#toCluster = []
      this.#toPools = []
      this.reports.push(...reports)
      for (const world of this.pools) world.pass(this.now - world.now)
      if (!this.cut) {
        for (const report of reports) this.tell({ kind: 'report', report })
        for (const document of documents) this.#poolOf(document).step({ kind: 'shares', document })
      }
      const deadline = this.cluster.nextDeadline()
      if (deadline !== undefined && deadline <= this.now) this.tell({ kind: 'wake' })
      if (this.now % HEARTBEAT_US === 0) this.beat()
    }
  }

  /** Budgets by model, over all pools. */
  budgets(): ReadonlyMap<string, number> {
    const sums = new Map<string, number>()
    this.engines.forEach((engines, p) => {
      for (const { engine, model } of engines) {
        const tokens = this.pools[p].document(engine).budget.tokens
        sums.set(model, (sums.get(model) ?? 0) + tokens)
      }
    })
    return sums
  }

  /** Every engine reports. */
  beat(): void {
    this.engines.forEach((engines, p) => {
      for (const { engine, model, tokens } of engines) this.pools[p].beat(engine, { model, tokens })
    })
  }

  #poolOf({ pool }: ShareDocument): PoolWorld {
    return this.pools[Number(pool.slice(1))]
  }
}

function poolName(index: number): string {
  return `p${index}`
}
