import { type Micros, type Rng, SeededRng } from '@kvasir/kernel'
import { checkWeights, drawWeighted, type Weighted } from './shares.js'

/** When a request must be done: never, or this long after its arrival. */
export type DeadlineRule =
  | { readonly kind: 'none' }
  | { readonly kind: 'after'; readonly baseUs: Micros; readonly perOutputTokenUs: Micros }

/** What a request carries besides its work. Absent: priority 0, no tenant, no deadline. */
export interface LabelSpec {
  readonly priorities?: readonly Weighted<number>[] | undefined
  readonly tenants?: readonly Weighted<string>[] | undefined
  readonly deadlines?: readonly Weighted<DeadlineRule>[] | undefined
}

export interface Labels {
  readonly priority: number
  readonly tenant: string | undefined
  readonly deadline: DeadlineRule
}

const NO_DEADLINE: DeadlineRule = { kind: 'none' }

/**
 * Draws each label from a stream of its own, once per request, whether or not the request's model has use
 * for it.
 */
export class LabelDrawer {
  #priority: Rng
  #tenant: Rng
  #deadline: Rng

  constructor(seed: number, name: string) {
    this.#priority = new SeededRng(seed, `${name}/priorities`)
    this.#tenant = new SeededRng(seed, `${name}/tenants`)
    this.#deadline = new SeededRng(seed, `${name}/deadlines`)
  }

  draw(spec: LabelSpec): Labels {
    return {
      priority: drawWeighted(spec.priorities ?? [], this.#priority) ?? 0,
      tenant: drawWeighted(spec.tenants ?? [], this.#tenant),
      deadline: drawWeighted(spec.deadlines ?? [], this.#deadline) ?? NO_DEADLINE,
    }
  }
}

export function checkLabels(spec: LabelSpec): void {
  if (spec.priorities !== undefined) checkWeights(spec.priorities, 'the priorities')
  if (spec.tenants !== undefined) checkWeights(spec.tenants, 'the tenants')
  if (spec.deadlines !== undefined) checkWeights(spec.deadlines, 'the deadlines')
}
