import type { TraceRecord } from '@kvasir/contracts'
import { invariant } from '@kvasir/kernel'
import { DEFAULT_HISTORY } from '@kvasir/reclaim'
import type { EngineHost } from '../build.js'
import type { ClusterPlan } from '../cluster-plan.js'
import type { Simulation } from '../simulation.js'
import { inspectAmongFaults } from './fault-watch.js'

type PreemptionRequestRecord = Extract<TraceRecord, { event: 'preemption_request' }>
type PreemptionOutcomeRecord = Extract<TraceRecord, { event: 'preemption_outcome' }>

/**
 * Watches a whole cluster for the laws that no single machine can see. `inspect` looks at the world after each event,
 * `record` reads the trace, `close` asks for what must hold at the end. Each violation throws with its numbers.
 */
export class LawWatch {
  readonly #submitted = new Map<string, number>()
  readonly #ended = new Map<string, string>()
  readonly #tokens = new Map<string, number>()
  readonly #asked = new Map<string, { readonly priority: number; readonly engine: string }>()
  readonly #answered = new Map<string, string>()
  readonly #donorClass = new Map<string, string>()
  readonly #priority = new Map<string, number>()
  readonly #modelPriority = new Map<string, number>()
  readonly #askedAt = new Map<string, number>()
  readonly #unservedSince = new Map<string, { step: number; sinceUs: number }>()
  /** Longest times seen, microseconds: an answer to a preemption request, running work without a step, what is guaranteed on its way. */
  readonly longest = { answerUs: 0, unservedUs: 0, returnUs: 0 }
  /** Requests for no more than was guaranteed that got it. */
  returned = 0
  readonly #heldBefore = new Map<string, number>()
  readonly #guaranteed = new Map<string, string>()
  #world: Simulation | undefined

  /** Victims seen, by the class that allowed it: shows that the sweep meets the cases it is about. */
  readonly victims = new Map<string, number>()

  readonly #policy: ClusterPlan['policy']

  constructor(plan: ClusterPlan) {
    this.#policy = plan.policy
    for (const model of plan.models) this.#modelPriority.set(model.name, model.terms.priority)
  }

  inspect(simulation: Simulation): void {
    this.#world = simulation
    for (const { plan, device } of simulation.engines)
      this.#heldBefore.set(plan.id, simulation.pools[device.index].machine.ledger.leasedTo(plan.id))
    this.#inspectOwnership(simulation)
    for (const engine of simulation.engines) this.#inspectService(simulation, engine)
  }

  /** Law 7: how long work that is running goes without a step. */
  #inspectService(simulation: Simulation, engine: EngineHost): void {
    const { nowUs } = simulation
    const { scheduler } = engine.machine
    const served = this.#unservedSince.get(engine.plan.id)
    if (scheduler.runningCount === 0 || served?.step !== engine.step) {
      this.#unservedSince.set(engine.plan.id, { step: engine.step, sinceUs: nowUs })
    } else {
      this.longest.unservedUs = Math.max(this.longest.unservedUs, nowUs - served.sinceUs)
    }
  }

  /** Laws 2 and 8: what engines may touch is never more than the ledger knows of, nor than the device has. */
  #inspectOwnership(simulation: Simulation): void {
    for (const device of simulation.devices) {
      let mapped = 0
      for (const engine of simulation.engines) {
        if (engine.device !== device) continue
        const held = device.machine.mappedBy(engine.plan.id)
        mapped += held
        if (simulation.plan.policy === 'uncoordinated' || simulation.plan.faults) continue
        // What was asked for under a larger lease is on its way still, and goes back as soon as the engine hears that it has it.
        if (engine.model.plan.remoteGroup !== undefined) continue
        const { ledger } = simulation.pools[device.index].machine
        const known = ledger.leasedTo(engine.plan.id) + ledger.owedBy(engine.plan.id)
        const document = engine.machine.lease.document
        invariant(
          held <= known || document === undefined,
          () => `${engine.plan.id} has ${held} bundles mapped, the ledger knows of ${known}`,
        )
      }
      if (simulation.plan.faults) inspectAmongFaults(simulation, device)
      const { total, free } = device.machine.bundles
      invariant(
        mapped + free === total,
        () => `${device.plan.id}: ${mapped} mapped and ${free} free of ${total}`,
      )
    }
  }

  record(record: TraceRecord): void {
    switch (record.event) {
      case 'enqueue':
        invariant(!this.#submitted.has(record.req_id), () => `${record.req_id} arrived twice`)
        this.#submitted.set(record.req_id, record.tokens_requested - record.prompt_tokens)
        this.#priority.set(record.req_id, record.priority + (this.#modelPriority.get(record.model) ?? 0))
        return
      case 'decode':
        this.#tokens.set(record.req_id, (this.#tokens.get(record.req_id) ?? 0) + record.tokens)
        return
      case 'complete': {
        this.#end(record.req_id, 'complete')
        const wanted = this.#submitted.get(record.req_id)
        const decoded = this.#tokens.get(record.req_id)
        // Law 6: tokens are neither lost nor doubled, however often the sequence was stopped.
        invariant(
          record.total_tokens === wanted && decoded === wanted,
          () =>
            `${record.req_id}: ${wanted} tokens wanted, ${decoded} decoded, ${record.total_tokens} reported`,
        )
        return
      }
      case 'reject':
        return this.#end(record.req_id, 'reject')
      case 'preemption_request':
        invariant(!this.#asked.has(record.request), () => `preemption ${record.request} asked twice`)
        this.#asked.set(record.request, { priority: record.priority, engine: record.engine })
        this.#askedAt.set(record.request, record.ts_us)
        this.#noteGuarantee(record)
        return
      case 'preemption_outcome':
        return this.#answer(record)
      case 'preempt':
        if (record.cause !== 'local' && record.cause !== 'lease')
          this.#victim(record.cause, record.engine, record.req_id)
        return
      default:
        return
    }
  }

  /** Law 4: a preemption request ends once; nothing is decided about it afterwards. */
  #answer(record: PreemptionOutcomeRecord): void {
    invariant(!this.#answered.has(record.request), () => `preemption ${record.request} ended twice`)
    invariant(this.#asked.has(record.request), () => `preemption ${record.request} was never asked`)
    for (const donor of record.donors) this.#donorClass.set(`${record.request} ${donor.engine}`, donor.class)
    if (record.outcome === 'planned') return
    this.#answered.set(record.request, record.outcome)
    const tookUs = record.ts_us - (this.#askedAt.get(record.request) ?? 0)
    this.longest.answerUs = Math.max(this.longest.answerUs, tookUs)
    this.#returned(record, tookUs)
  }

  /** Law 5: what was stopped for a request was stopped under a rule that named its engine, and under priority only if lower. */
  #victim(request: string, engine: string, victim: string): void {
    const rule = this.#donorClass.get(`${request} ${engine}`)
    invariant(
      rule === 'priority' || rule === 'entitlement',
      () => `a sequence of ${engine} was stopped for ${request} under rule ${rule}`,
    )
    this.victims.set(rule, (this.victims.get(rule) ?? 0) + 1)
    const own = this.#priority.get(victim) ?? 0
    const bound = (this.#asked.get(request)?.priority ?? -Infinity) + DEFAULT_HISTORY.boostMax
    invariant(
      rule === 'entitlement' || own < bound,
      () =>
        `${victim} of priority ${own} was stopped for ${request}, whose boosted priority is at most ${bound}`,
    )
  }

  /** Law 10: who asks for no more than its guarantee (which add up to less than a pool here) gets it, unless it withdraws. */
  #noteGuarantee({ request, engine: id, min_bundles: least }: PreemptionRequestRecord): void {
    const engine = this.#world?.engines.find(({ plan }) => plan.id === id)
    if (engine === undefined || this.#policy !== 'weighted-max-min') return
    const held = this.#heldBefore.get(id) ?? 0
    const guarantee = Math.floor(engine.model.plan.terms.guarantee * engine.device.plan.bundles)
    if (held + least <= guarantee) this.#guaranteed.set(request, `${held} + ${least} of ${guarantee}`)
  }

  #returned({ request, outcome, reason, explanation }: PreemptionOutcomeRecord, tookUs: number): void {
    const guaranteed = this.#guaranteed.get(request)
    if (guaranteed === undefined || outcome === 'expired') return
    invariant(
      outcome === 'granted' || outcome === 'granted_partial',
      () => `${request}, for ${guaranteed} guaranteed bundles, was ${outcome} (${reason}): ${explanation}`,
    )
    this.returned++
    this.longest.returnUs = Math.max(this.longest.returnUs, tookUs)
  }

  #end(request: string, how: string): void {
    const before = this.#ended.get(request)
    invariant(this.#submitted.has(request), () => `${request} ended (${how}) without arriving`)
    invariant(before === undefined, () => `${request} ended twice: ${before}, then ${how}`)
    this.#ended.set(request, how)
  }

  close(simulation: Simulation): void {
    const { submitted, finished, rejected } = simulation.requests
    invariant(
      submitted === finished + rejected,
      () => `${submitted} submitted, ${finished} finished, ${rejected} rejected`,
    )
    invariant(
      this.#ended.size === submitted,
      () => `${submitted} requests submitted, ${this.#ended.size} ended in the trace`,
    )
    for (const engine of simulation.engines) engine.machine.scheduler.audit()
  }
}
