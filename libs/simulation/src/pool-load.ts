import { type Micros, MICROS_PER_SECOND, type Tokens } from '@kvasir/kernel'
import { Trend } from '@kvasir/metrics'
import type { RequestRecord } from '@kvasir/workload'
import type { EngineHost } from './build.js'
import { trafficTimeS } from './plan/group-time.js'

/** Requests that were sent to one engine. */
export class ArrivedTraffic {
  requests = 0
  promptTokens: Tokens = 0
  outputTokens: Tokens = 0
  firstUs: Micros = Infinity
  lastUs: Micros = -Infinity

  note(now: Micros, { promptTokens, outputTokens }: RequestRecord): void {
    this.requests++
    this.promptTokens += promptTokens
    this.outputTokens += outputTokens
    this.firstUs = Math.min(this.firstUs, now)
    this.lastUs = now
  }
}

/** How a group's queue grows while requests come: what is sampled after the last one is left out. */
export class QueueTrend {
  readonly #trend = new Trend()
  #sinceArrival = new Trend()

  sampled(now: Micros, waiting: number): void {
    this.#sinceArrival.add(now / MICROS_PER_SECOND, waiting)
  }

  arrived(): void {
    this.#trend.merge(this.#sinceArrival)
    this.#sinceArrival = new Trend()
  }

  /** Requests per second. */
  get growthPerS(): number {
    return this.#trend.slope
  }
}

/**
 * What arrived at the engines of one group over what the group could have done in that time at full batches and full chunks,
 * found prefixes left out; undefined for fewer than two requests. An estimate: engines that share a group divide its memory by
 * weight in it, and prompts and outputs are computed apart.
 */
export function loadOf(engines: readonly EngineHost[]): number | undefined {
  const busy = engines.filter(({ traffic }) => traffic.requests > 0)
  const requests = busy.reduce((sum, { traffic }) => sum + traffic.requests, 0)
  const firstUs = Math.min(...busy.map(({ traffic }) => traffic.firstUs))
  const lastUs = Math.max(...busy.map(({ traffic }) => traffic.lastUs))
  if (requests < 2 || lastUs <= firstUs) return undefined
  const windowS = ((lastUs - firstUs) / MICROS_PER_SECOND) * (requests / (requests - 1))
  const weights = engines.reduce((sum, { model }) => sum + model.plan.terms.weight, 0)
  return busy.reduce((sum, host) => sum + workS(host, host.model.plan.terms.weight / weights), 0) / windowS
}

function workS(host: EngineHost, memoryShare: number): number {
  const { requests, outputTokens } = host.traffic
  const { prefixHitTokens, promptTokens: finishedPromptTokens } = host.model
  const computed = finishedPromptTokens === 0 ? 1 : 1 - prefixHitTokens / finishedPromptTokens
  const context = (host.traffic.promptTokens + outputTokens / 2) / requests
  const { stepTokenLimit, sequenceLimit } = host.model.plan.scheduler
  const fitting = Math.floor((host.poolTokens * memoryShare) / context)
  const decodeBatch = Math.max(1, Math.min(sequenceLimit, stepTokenLimit, fitting))
  const traffic = { requests, outputTokens, promptTokens: host.traffic.promptTokens * Math.max(0, computed) }
  return trafficTimeS(host.cost, traffic, { chunkTokens: stepTokenLimit, decodeBatch })
}

/** Share of the arriving requests by which the group's queue grows. */
export function queueGrowthOf(engines: readonly EngineHost[], { growthPerS }: QueueTrend): number {
  const requests = engines.reduce((sum, { traffic }) => sum + traffic.requests, 0)
  const firstUs = Math.min(...engines.map(({ traffic }) => traffic.firstUs))
  const lastUs = Math.max(...engines.map(({ traffic }) => traffic.lastUs))
  if (requests < 2 || lastUs <= firstUs) return 0
  const ratePerS = (requests * MICROS_PER_SECOND) / (lastUs - firstUs)
  return Math.max(0, growthPerS) / ratePerS
}
