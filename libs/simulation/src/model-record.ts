import type { ModelSummary, PreemptionCounts, PreemptionDecision } from '@kvasir/contracts'
import { invariant, type Micros } from '@kvasir/kernel'
import {
  CountingHistogram,
  jainOfShares,
  SampleSet,
  type ServedShare,
  SloTally,
  summarise,
  WaitingTally,
} from '@kvasir/metrics'
import type { ModelPlan } from './cluster-plan.js'

/** What a run remembers of one model: samples and counts, nothing per request once it has ended. */
export class ModelRecord {
  readonly plan: ModelPlan
  readonly ttft = new SampleSet()
  readonly tpot = new SampleSet()
  readonly e2e = new SampleSet()
  readonly queue = new SampleSet()
  readonly itl = new CountingHistogram()
  readonly waiting = new WaitingTally()
  readonly slo: SloTally
  readonly rejectedBy = new Map<string, number>()
  readonly deniedBy = new Map<string, number>()
  readonly served = new Map<string, ServedShare>()
  submitted = 0
  finished = 0
  rejected = 0
  promptTokens = 0
  outputTokens = 0
  recomputedTokens = 0
  prefixHitTokens = 0
  brokered = 0
  granted = 0
  partial = 0
  denied = 0
  expired = 0
  grantedBundles = 0
  victims = 0
  local = 0

  constructor(plan: ModelPlan) {
    this.plan = plan
    this.slo = new SloTally(plan.slo)
  }

  get unfinished(): number {
    return this.submitted - this.finished - this.rejected
  }

  /** The end of one of this model's preemption requests. */
  preemptionEnded(decision: PreemptionDecision): void {
    this.grantedBundles += decision.granted
    if (decision.outcome === 'granted') this.granted++
    else if (decision.outcome === 'granted_partial') this.partial++
    else if (decision.outcome === 'expired') this.expired++
    else {
      this.denied++
      const reason = decision.reason ?? ''
      this.deniedBy.set(reason, (this.deniedBy.get(reason) ?? 0) + 1)
    }
  }

  preemptions(): PreemptionCounts {
    const ended = this.granted + this.partial + this.denied + this.expired
    invariant(
      ended <= this.brokered,
      () => `${ended} of ${this.brokered} preemption requests of ${this.plan.name} ended`,
    )
    return {
      brokered: this.brokered,
      granted: this.granted,
      partial: this.partial,
      denied: this.denied,
      expired: this.expired,
      pending: this.brokered - ended,
      deniedBy: Object.fromEntries([...this.deniedBy].sort()),
      bundles: this.grantedBundles,
      victims: this.victims,
      local: this.local,
    }
  }

  summary(nowUs: Micros, replicas: number): ModelSummary {
    return {
      architecture: this.plan.architecture,
      weight: this.plan.terms.weight,
      priority: this.plan.terms.priority,
      replicas,
      requests: {
        submitted: this.submitted,
        finished: this.finished,
        rejected: this.rejected,
        unfinished: this.unfinished,
        rejectedBy: Object.fromEntries([...this.rejectedBy].sort()),
      },
      tokens: {
        prompt: this.promptTokens,
        output: this.outputTokens,
        recomputed: this.recomputedTokens,
        prefixHit: this.prefixHitTokens,
      },
      ttftUs: summarise(this.ttft),
      tpotUs: summarise(this.tpot),
      itlUs: summarise(this.itl),
      e2eUs: summarise(this.e2e),
      queueUs: summarise(this.queue),
      sloAttainment: this.slo.attainment() ?? null,
      goodputPerS: this.slo.goodputPerSecond(nowUs),
      jain: jainOfShares([...this.served.values()]) ?? null,
      weightedWaitUs: this.waiting.weightedWaitUs,
      makespanUs: this.waiting.makespanUs,
      preemptions: this.preemptions(),
    }
  }
}
