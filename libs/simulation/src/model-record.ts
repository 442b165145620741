import type { ModelSummary } from '@kvasir/contracts'
import type { Micros } from '@kvasir/kernel'
import { jainOfShares, type ServedShare, SloTally } from '@kvasir/metrics'
import type { ModelPlan } from './cluster-plan.js'
import { OutcomeRecord } from './outcome-record.js'

/** What a run remembers of one model. */
export class ModelRecord extends OutcomeRecord {
  readonly plan: ModelPlan
  readonly slo: SloTally

  constructor(plan: ModelPlan) {
    super()
    this.plan = plan
    this.slo = new SloTally(plan.slo)
  }

  summary(nowUs: Micros, engines: readonly ServedShare[]): ModelSummary {
    const { architecture, terms } = this.plan
    return {
      architecture,
      weight: terms.weight,
      priority: terms.priority,
      replicas: engines.length,
      ...this.outcome(),
      sloAttainment: this.slo.attainment() ?? null,
      goodputPerS: this.slo.goodputPerSecond(nowUs),
      jain: jainOfShares(engines) ?? null,
    }
  }
}
