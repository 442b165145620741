import type { DecisionRecord, EndDecisionRecord } from '@kvasir/contracts'
import { MICROS_PER_SECOND } from '@kvasir/kernel'
import { renderTable } from '@kvasir/report'

/** How one request for memory ended. */
export interface Preemption {
  readonly id: string
  readonly pool: string
  readonly engine: string
  /** On the clock of the pool's owner. */
  readonly atS: number
  readonly wanted: number
  readonly got: number
  /** `granted`, `granted_partial`, `expired`, or why it was denied. */
  readonly outcome: string
  /** Engines whose work or lease it took. */
  readonly donors: readonly string[]
}

/** Requests that have ended, in the order in which they did. */
export function preemptionsIn(records: readonly DecisionRecord[]): readonly Preemption[] {
  const donors = new Map<string, Set<string>>()
  for (const record of records) {
    if (record.kind !== 'donors') continue
    const { id } = record.request
    const known = donors.get(id) ?? new Set()
    for (const [engine] of record.answer.donors) known.add(engine)
    donors.set(id, known)
  }
  return records.flatMap((record) =>
    record.kind === 'end' ? [preemptionOf(record, [...(donors.get(record.id) ?? [])])] : [],
  )
}

function preemptionOf(end: EndDecisionRecord, donors: readonly string[]): Preemption {
  const { id, pool, engine, atUs, wanted } = end
  const { outcome } = end.answer
  const got = 'bundles' in outcome ? outcome.bundles : 0
  const word = outcome.kind === 'denied' ? outcome.reason : outcome.kind
  return { id, pool, engine, atS: atUs / MICROS_PER_SECOND, wanted, got, outcome: word, donors }
}

export function preemptionsTable(preemptions: readonly Preemption[]): string {
  if (preemptions.length === 0) return 'no engine had to ask for memory'
  return renderTable({
    header: ['request', 'pool', 'wanted', 'got', 'outcome', 'from'],
    rows: preemptions.map(({ id, pool, wanted, got, outcome, donors }) => [
      id,
      pool,
      String(wanted),
      String(got),
      outcome,
      donors.join(', '),
    ]),
    align: ['left', 'left', 'right', 'right', 'left', 'left'],
  })
}
