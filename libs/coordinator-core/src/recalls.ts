import type { ReclaimOrder } from '@kvasir/contracts'
import type { Bundles, Micros } from '@kvasir/kernel'
import type { Ledger } from '@kvasir/reclaim'
import { type Creditor, credit, type Debit, isPaid, mustDo, ordersIn } from './debits.js'

const nobody: readonly string[] = []
const nothing: readonly ReclaimOrder[] = []

/** Stands for the pool itself where bundles are taken back for nobody in particular: they are free once released. */
const FOR_THE_POOL = '(pool)'

/** Bundles asked back from one donor. */
interface Recall extends Creditor {
  readonly debits: readonly Debit[]
  readonly untilUs: Micros
}

export interface RecallOrder {
  readonly bundles: Bundles
  /** See {@link Debit}. */
  readonly victimsBelow: number | null | undefined
  /** What has not been released by then stays with the donor. */
  readonly untilUs: Micros
}

/** Recalls by donor, at most one each. What was recalled and is in use after all stays with its donor. */
export class Recalls {
  readonly #ledger: Ledger
  readonly #byDonor = new Map<string, Recall>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  has(donor: string): boolean {
    return this.#byDonor.has(donor)
  }

  nextDeadline(): Micros {
    let earliest = Infinity
    for (const { untilUs } of this.#byDonor.values()) earliest = Math.min(earliest, untilUs)
    return earliest
  }

  /** Donors whose time is over. */
  overdue(now: Micros): readonly string[] {
    if (this.#byDonor.size === 0) return nobody
    return [...this.#byDonor].filter(([, { untilUs }]) => now >= untilUs).map(([donor]) => donor)
  }

  ordersFor(donor: string): readonly ReclaimOrder[] {
    const recall = this.#byDonor.get(donor)
    return recall === undefined ? nothing : ordersIn(recall.debits, donor, '')
  }

  /** Whether there was anything to recall. */
  start(donor: string, order: RecallOrder): boolean {
    const bundles = Math.min(order.bundles, this.#ledger.leasedTo(donor))
    if (bundles <= 0 || this.has(donor)) return false
    const id = `${FOR_THE_POOL}/${donor}`
    mustDo(this.#ledger.debit({ donor, to: FOR_THE_POOL, request: id, bundles }))
    const { victimsBelow, untilUs } = order
    this.#byDonor.set(donor, { id, debits: [{ donor, bundles, victimsBelow }], reserved: 0, untilUs })
    return true
  }

  /** Books up to `freed` released bundles; says how many. */
  credit(donor: string, freed: Bundles): Bundles {
    const recall = this.#byDonor.get(donor)
    if (!recall) return 0
    const credited = credit(this.#ledger, recall, donor, freed)
    if (isPaid(recall)) this.end(donor)
    return credited
  }

  /** What arrived is free, what did not stays with the donor. */
  end(donor: string): void {
    const recall = this.#byDonor.get(donor)
    this.#byDonor.delete(donor)
    if (recall && this.#ledger.requestOf(recall.id) !== null) mustDo(this.#ledger.refund(recall.id))
  }
}
