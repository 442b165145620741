import type { PreemptionDecision, RoundShare, TraceRecord } from '@kvasir/contracts'
import type { PreemptionCause } from '@kvasir/engine-core'
import type { Micros } from '@kvasir/kernel'
import type { EngineHost } from './build.js'
import type { LiveRequest } from './live-request.js'

/** Turns what happens in a simulation into the lines of `trace.jsonl` (`contracts/trace.ts`). */
export class TraceEmitter {
  readonly #emit: (record: TraceRecord) => void

  constructor(emit: (record: TraceRecord) => void) {
    this.#emit = emit
  }

  enqueue(now: Micros, live: LiveRequest): void {
    const { record, replica } = live
    this.#emit({
      ts_us: now,
      event: 'enqueue',
      req_id: record.id,
      tokens_requested: record.promptTokens + record.outputTokens,
      model: live.model.plan.name,
      engine: replica?.engine ?? '',
      prompt_tokens: record.promptTokens,
      priority: record.priority,
    })
  }

  schedule(
    now: Micros,
    host: EngineHost,
    slot: number,
    live: LiveRequest,
    hitTokens: number,
    resumed: boolean,
  ): void {
    this.#emit({
      ts_us: now,
      event: 'schedule',
      req_id: live.record.id,
      batch_id: host.step,
      kv_alloc_bytes: host.machine.scheduler.blockTable(slot).length * host.blockBytes,
      engine: host.plan.id,
      prefix_hit_tokens: hitTokens,
      resumed,
    })
  }

  /** The tokens since the sequence last joined a batch; nothing when there were none. */
  decodeRun(now: Micros, host: EngineHost, live: LiveRequest): void {
    const tokens = live.outputTokens - live.runStartTokens
    if (tokens === 0) return
    this.#emit({
      ts_us: now,
      event: 'decode',
      req_id: live.record.id,
      step: live.outputTokens,
      latency_us: live.lastTokenUs - live.runStartUs,
      batch_id: host.step,
      engine: host.plan.id,
      tokens,
    })
  }

  decodeStep(now: Micros, host: EngineHost, live: LiveRequest, sinceUs: Micros): void {
    this.#emit({
      ts_us: now,
      event: 'decode',
      req_id: live.record.id,
      step: live.outputTokens,
      latency_us: now - sinceUs,
      batch_id: host.step,
      engine: host.plan.id,
      tokens: 1,
    })
  }

  complete(now: Micros, host: EngineHost, live: LiveRequest, finish: 'stop' | 'length'): void {
    this.#emit({
      ts_us: now,
      event: 'complete',
      req_id: live.record.id,
      total_tokens: live.outputTokens,
      engine: host.plan.id,
      finish,
      queue_us: live.queueUs,
      ttft_us: live.ttftUs,
      e2e_us: now - live.record.arrivalUs,
      preemptions: live.preemptions,
    })
  }

  reject(now: Micros, live: LiveRequest, reason: string, detail: string): void {
    this.#emit({ ts_us: now, event: 'reject', req_id: live.record.id, reason, detail })
  }

  preempt(
    now: Micros,
    host: EngineHost,
    live: LiveRequest,
    cause: PreemptionCause,
    lostTokens: number,
  ): void {
    const why =
      cause.kind === 'own'
        ? 'local'
        : cause.kind === 'reclaim' && cause.request !== ''
          ? cause.request
          : 'lease'
    this.#emit({
      ts_us: now,
      event: 'preempt',
      req_id: live.record.id,
      engine: host.plan.id,
      cause: why,
      lost_tokens: lostTokens,
    })
  }

  budget(now: Micros, host: EngineHost, round: number, share: RoundShare): void {
    this.#emit({
      ts_us: now,
      event: 'budget',
      req_id: '',
      pool: host.plan.pool,
      engine: host.plan.id,
      round,
      demand_tokens: share.demandTokens,
      tokens: share.tokens,
      lent_tokens: share.lentTokens,
      ideal_tokens: share.idealTokens,
    })
  }

  lease(now: Micros, host: EngineHost, share: RoundShare): void {
    this.#emit({
      ts_us: now,
      event: 'lease',
      req_id: '',
      pool: host.plan.pool,
      engine: host.plan.id,
      epoch: host.machine.lease.epoch,
      bundles: share.leaseBundles,
      in_use_bundles: share.inUseBundles,
    })
  }

  membership(now: Micros, host: EngineHost, kind: 'join' | 'leave'): void {
    const { id, pool, model } = host.plan
    this.#emit({ ts_us: now, event: kind, req_id: '', pool, engine: id, model })
  }

  preemptionRequest(now: Micros, host: EngineHost, decision: PreemptionDecision): void {
    this.#emit({
      ts_us: now,
      event: 'preemption_request',
      req_id: '',
      pool: host.plan.pool,
      engine: decision.engine,
      request: decision.id,
      bundles: decision.bundles,
      min_bundles: decision.minBundles,
      priority: decision.priority,
    })
  }

  preemptionOutcome(now: Micros, host: EngineHost, decision: PreemptionDecision): void {
    this.#emit({
      ts_us: now,
      event: 'preemption_outcome',
      req_id: '',
      pool: host.plan.pool,
      engine: decision.engine,
      request: decision.id,
      outcome: decision.outcome,
      reason: decision.reason,
      bundles: decision.granted,
      donors: decision.donations.map((donation) => ({
        engine: donation.engine,
        bundles: donation.bundles,
        cost_us: donation.costUs,
        class: donation.class,
      })),
      explanation: decision.explanation,
    })
  }
}
