import type { Growth, PoolSummary } from '@kvasir/contracts'
import type { Bundles, Micros } from '@kvasir/kernel'
import { CountingHistogram, regimeOf, summarise, TimeWeighted } from '@kvasir/metrics'
import type { EngineHost } from './build.js'
import type { PoolPlan } from './cluster-plan.js'
import { loadOf, queueGrowthOf, QueueTrend } from './pool-load.js'

/** What a run remembers of one TP group. */
export class PoolRecord {
  readonly plan: PoolPlan
  readonly inUse = new TimeWeighted(0)
  readonly stepTime = new CountingHistogram()
  readonly queue = new QueueTrend()
  busyUs = 0
  steps = 0
  stepTokens = 0
  /** Sums over samples. */
  #internal = 0
  #bundle = 0
  #edge = 0
  #samples = 0
  #idle = 0
  #idleSamples = 0

  constructor(plan: PoolPlan) {
    this.plan = plan
  }

  /** Of one engine, at a sample. */
  noteFragmentation(fragmentation: {
    readonly internal: number
    readonly bundle: number
    readonly edge: number
  }): void {
    this.#internal += fragmentation.internal
    this.#bundle += fragmentation.bundle
    this.#edge += fragmentation.edge
    this.#samples++
  }

  /** @param bundles that engines hold without a block in use, at a sample. */
  noteIdle(bundles: Bundles): void {
    this.#idle += bundles / this.plan.bundles
    this.#idleSamples++
  }

  summary(nowUs: Micros, engines: readonly EngineHost[]): PoolSummary {
    const load = loadOf(engines) ?? null
    const queueGrowth = queueGrowthOf(engines, this.queue)
    return {
      gpu: this.plan.gpu,
      tp: this.plan.tp,
      engines: engines.map((host) => host.plan.id),
      bundles: this.plan.bundles,
      utilisation: nowUs > 0 ? Math.min(1, this.busyUs / nowUs) : 0,
      load,
      queueGrowth,
      regime: load === null ? null : regimeOf(load, queueGrowth),
      kvUtilisation: this.inUse.mean(nowUs) / this.plan.bundles,
      peakBundles: this.inUse.peak,
      fragmentation: {
        internal: this.#samples > 0 ? this.#internal / this.#samples : 0,
        bundle: this.#samples > 0 ? this.#bundle / this.#samples : 0,
        pool: this.#idleSamples > 0 ? this.#idle / this.#idleSamples : 0,
        edge: this.#samples > 0 ? this.#edge / this.#samples : 0,
      },
      growth: growthOf(engines),
      steps: this.steps,
      stepTokensMean: this.steps > 0 ? this.stepTokens / this.steps : 0,
      stepTimeUs: summarise(this.stepTime),
    }
  }
}

function growthOf(engines: readonly EngineHost[]): Growth {
  let [taken, asked] = [0, 0]
  for (const { machine } of engines) {
    const { growth } = machine
    taken += growth.taken
    asked += growth.asked
  }
  return { taken, asked }
}
