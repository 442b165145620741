import type { TenantSummary } from '@kvasir/contracts'
import { SampleSet, summarise } from '@kvasir/metrics'
import type { TenantPlan } from './cluster-plan.js'

/** What a run remembers of one client tenant, over all models. */
export class TenantRecord {
  readonly plan: TenantPlan
  readonly ttft = new SampleSet()
  readonly e2e = new SampleSet()
  submitted = 0
  finished = 0
  rejected = 0

  constructor(plan: TenantPlan) {
    this.plan = plan
  }

  summary(): TenantSummary {
    const { submitted, finished, rejected } = this
    return {
      weight: this.plan.weight,
      requests: { submitted, finished, rejected, unfinished: submitted - finished - rejected },
      ttftUs: summarise(this.ttft),
      e2eUs: summarise(this.e2e),
    }
  }
}
