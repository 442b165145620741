import { invariant, type Micros, type Rng, SeededRng } from '@kvasir/kernel'
import type { FaultPlan, FaultTarget } from './fault-plan.js'

/** When the faults of one entry happen, and to whom. Each entry has a stream of its own. */
export class FaultSchedule {
  readonly fault: FaultPlan
  readonly #rng: Rng

  constructor(fault: FaultPlan, options: { readonly seed: number; readonly index: number }) {
    this.fault = fault
    this.#rng = new SeededRng(options.seed, `faults/${options.index}`)
  }

  /** The first moment. */
  get firstUs(): Micros {
    const { timing } = this.fault
    return timing.kind === 'at' ? timing.atUs : this.#gapUs(timing.meanGapUs)
  }

  /** The moment after the one that is now; undefined when there is none. */
  nextUs(now: Micros): Micros | undefined {
    const { timing } = this.fault
    return timing.kind === 'at' ? undefined : now + this.#gapUs(timing.meanGapUs)
  }

  /** Whom it meets among `candidates`, which have an order. */
  choose<T extends { readonly plan: { readonly id: string } }>(
    target: FaultTarget,
    candidates: readonly T[],
  ): readonly T[] {
    if (target?.kind === 'all') return candidates
    if (target?.kind === 'named') {
      const named = candidates.filter(({ plan }) => plan.id === target.id)
      invariant(named.length === 1, () => `${named.length} targets of a fault are called ${target.id}`)
      return named
    }
    return candidates.length === 0 ? [] : [candidates[this.#rng.int(candidates.length)]]
  }

  #gapUs(meanUs: Micros): Micros {
    return Math.max(1, Math.round(this.#rng.exponential() * meanUs))
  }
}
