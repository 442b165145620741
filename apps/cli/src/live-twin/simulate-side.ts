import type { DecisionRecord, TraceRecord } from '@kvasir/contracts'
import type { TwinEnd, TwinRequest, TwinSide } from '@kvasir/experiment'
import { invariant, type Micros } from '@kvasir/kernel'
import { type ClusterPlan, CostTables, Simulation } from '@kvasir/simulation'
import type { RequestRecord } from '@kvasir/workload'
import { streamOf } from './twin-requests.js'

const EVENTS_PER_SLICE = 100_000

/** A twin simulates the same few models again and again. */
const costs = new CostTables()

export interface SimulatedSpan {
  /** Decisions from here on are told. */
  readonly beginUs: Micros
  /** The run stops there. */
  readonly untilUs: Micros | undefined
}

/** Plays requests to the end in virtual time. */
export function simulateSide(
  plan: ClusterPlan,
  requests: readonly RequestRecord[],
  { beginUs, untilUs }: SimulatedSpan,
): TwinSide {
  const seen = new Ends()
  const decisions: DecisionRecord[] = []
  const simulation = new Simulation(plan, {
    requests: streamOf(requests),
    costs,
    trace: (record) => seen.see(record),
    decisions: (record) => {
      if (record.atUs >= beginUs) decisions.push(record)
    },
    ...(untilUs === undefined ? {} : { untilUs }),
  })
  while (!simulation.run(EVENTS_PER_SLICE));
  return { requests: requests.map((request) => seen.of(request)), decisions }
}

/** What a trace says of each request. */
class Ends {
  readonly #engines = new Map<string, string>()
  readonly #ends = new Map<string, TwinEnd>()

  see(record: TraceRecord): void {
    if (record.event === 'enqueue') this.#engines.set(record.req_id, record.engine)
    if (record.event === 'reject') this.#ends.set(record.req_id, { kind: 'failed', reason: record.reason })
    if (record.event !== 'complete') return
    const { req_id: id, ttft_us: ttftUs, e2e_us: e2eUs, total_tokens: tokens } = record
    invariant(!this.#ends.has(id), () => `request ${id} ended twice`)
    this.#ends.set(id, { kind: 'finished', ttftUs, e2eUs, tokens, received: tokens })
  }

  of({ id, model = '', promptTokens, outputTokens }: RequestRecord): TwinRequest {
    const end = this.#ends.get(id) ?? { kind: 'failed', reason: 'unfinished' }
    return { id, model, promptTokens, outputTokens, engine: this.#engines.get(id), end }
  }
}
