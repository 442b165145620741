import type { ReclaimOrder } from '@kvasir/contracts'
import { type Bundles, invariant } from '@kvasir/kernel'
import type { Ledger, LedgerAnswer } from '@kvasir/reclaim'

/** What one donor still owes to a request, or to the pool. */
export interface Debit {
  readonly donor: string
  bundles: Bundles
  /** See `reclaimOrderSchema`: null when any sequence may be stopped, undefined when none may. */
  readonly victimsBelow: number | null | undefined
}

/** Who waits for debits: a preemption request, or a recall. */
export interface Creditor {
  readonly id: string
  readonly debits: readonly Debit[]
  /** Arrived, and nobody else's. */
  reserved: Bundles
}

/** Books up to `freed` bundles of `donor` to what it owes there; says how many. */
export function credit(ledger: Ledger, creditor: Creditor, donor: string, freed: Bundles): Bundles {
  let credited = 0
  for (const debit of creditor.debits) {
    const arrived = debit.donor === donor ? Math.min(freed - credited, debit.bundles) : 0
    if (arrived <= 0) continue
    debit.bundles -= arrived
    credited += arrived
    creditor.reserved += arrived
    mustDo(ledger.arrive({ donor, request: creditor.id, bundles: arrived }))
  }
  return credited
}

export function isPaid({ debits }: Creditor): boolean {
  return debits.every((debit) => debit.bundles === 0)
}

/** What `donor` still owes there, as it reads it. */
export function ordersIn(debits: readonly Debit[], donor: string, request: string): readonly ReclaimOrder[] {
  return debits
    .filter((debit) => debit.donor === donor && debit.bundles > 0)
    .map(({ bundles, victimsBelow }) =>
      victimsBelow === undefined ? { request, bundles } : { request, bundles, victimsBelow },
    )
}

/** For operations whose condition was just checked: a refusal would be a broken book. Says how many bundles moved. */
export function mustDo(answer: LedgerAnswer): Bundles {
  invariant(answer.kind === 'done', () => `the ledger refused: ${JSON.stringify(answer)}`)
  return answer.bundles
}
