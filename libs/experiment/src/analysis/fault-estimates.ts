import type { FaultRecordSummary } from '@kvasir/contracts'
import { type Estimate, estimateOf } from './cell-estimates.js'
import { observationsOf, type RunResult } from './observations.js'

/** What is known of every single fault (`fault-summary.ts`). */
export const FAULT_MEASURES = [
  'ownedUs',
  'budgetsUs',
  'goodputUs',
  'deficit',
  'lost',
  'retried',
  'missed',
] as const
export type FaultMeasure = (typeof FAULT_MEASURES)[number]

/** What one kind of fault did in one cell: each number is the mean of a seed's faults of that kind first, then over the seeds. */
export interface FaultEstimate {
  readonly cell: number
  readonly kind: FaultRecordSummary['kind']
  /** Faults of all runs. */
  readonly faults: number
  /** By measure, of those faults that have it. */
  readonly means: ReadonlyMap<FaultMeasure, Estimate>
  /** By measure, faults that have none: after them it did not come before the run ended. */
  readonly without: ReadonlyMap<FaultMeasure, number>
}

/** Cells in their order, in each the kinds in the order of the alphabet; empty where no run had a fault. */
export function estimateFaults(results: readonly RunResult[]): readonly FaultEstimate[] {
  const cells = [...new Set(results.map(({ run }) => run.cell))].sort((a, b) => a - b)
  return cells.flatMap((cell) => {
    const own = results.filter(({ run }) => run.cell === cell)
    const kinds = new Set(own.flatMap((result) => faultsOf(result).map(({ kind }) => kind)))
    return [...kinds].sort().map((kind) => estimateKind(own, { cell, kind }))
  })
}

function estimateKind(
  results: readonly RunResult[],
  of: Pick<FaultEstimate, 'cell' | 'kind'>,
): FaultEstimate {
  const meansOf = (measure: FaultMeasure) => {
    const metric = { of: (summary: RunResult['summary']) => meanOfKind({ summary }, of.kind, measure) }
    const [seeds] = observationsOf(results, metric).values()
    return seeds === undefined ? [] : [[measure, estimateOf([...seeds.values()])] as const]
  }
  const faults = results.flatMap((result) => ofKind(result, of.kind))
  return {
    ...of,
    faults: faults.length,
    means: new Map(FAULT_MEASURES.flatMap(meansOf)),
    without: new Map(
      FAULT_MEASURES.map((measure) => [measure, faults.filter((fault) => fault[measure] === null).length]),
    ),
  }
}

/** Null where no fault of the kind has the number. */
function meanOfKind(
  result: Pick<RunResult, 'summary'>,
  kind: FaultRecordSummary['kind'],
  measure: FaultMeasure,
): number | null {
  const known = ofKind(result, kind).flatMap((fault) => fault[measure] ?? [])
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}

function ofKind(
  result: Pick<RunResult, 'summary'>,
  kind: FaultRecordSummary['kind'],
): readonly FaultRecordSummary[] {
  return faultsOf(result).filter((fault) => fault.kind === kind)
}

function faultsOf({ summary }: Pick<RunResult, 'summary'>): readonly FaultRecordSummary[] {
  return summary.faults?.list ?? []
}
