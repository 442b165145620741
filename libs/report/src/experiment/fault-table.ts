import { estimateFaults, type FaultEstimate, type FaultMeasure } from '@kvasir/experiment'
import { styleFor } from '../numbers.js'
import type { CellTable } from '../run-tables.js'
import { estimateText } from './experiment-tables.js'
import type { ExperimentReport } from './model.js'

const NONE = '–'

/** What is said of every kind of fault. */
const COLUMNS: readonly {
  readonly measure: FaultMeasure
  readonly name: string
  readonly unit: 'us' | 'count'
}[] = [
  { measure: 'ownedUs', name: 'owners back after', unit: 'us' },
  { measure: 'budgetsUs', name: 'budgets back after', unit: 'us' },
  { measure: 'goodputUs', name: 'goodput back after', unit: 'us' },
  { measure: 'deficit', name: 'goodput missing', unit: 'count' },
  { measure: 'lost', name: 'lost', unit: 'count' },
  { measure: 'retried', name: 'retried', unit: 'count' },
  { measure: 'missed', name: 'missed', unit: 'count' },
]

/** What the columns mean (`fault-summary.ts`). */
export const FAULT_NOTE =
  'Back: owner for every pool; budgets for every engine it touched; goodput at 95 % of the 20 s before. Goodput missing: requests within their SLOs that the 30 s after it lack. Lost: requests that broke off, or found no engine in time. Retried: sent to another engine before their first token. Missed: requests under way, or come before goodput was back, that were not within their SLOs, for whatever reason; what the fault "none" shows is chance.'

/** What each kind of fault did, a row a combination of levels and kind; undefined where no run had a fault. */
export function faultTable({
  plan,
  results,
}: Pick<ExperimentReport, 'plan' | 'results'>): CellTable | undefined {
  const estimates = estimateFaults(results)
  if (estimates.length === 0) return undefined
  const styles = COLUMNS.map(({ measure, unit }) =>
    styleFor(
      unit,
      estimates.flatMap(({ means }) => means.get(measure)?.mean ?? []),
    ),
  )
  return {
    caption: 'What a fault did, means over the seeds with [95 % intervals]',
    header: [
      plan.factors.map(({ name }) => name).join(' / '),
      'kind',
      'faults',
      ...COLUMNS.map(({ name }) => name),
    ],
    rows: estimates.map((estimate) => [
      plan.cells[estimate.cell].levels.join(' / ') || 'all',
      estimate.kind,
      String(estimate.faults),
      ...COLUMNS.map(({ measure, unit }, i) => {
        const text = estimateText(estimate.means.get(measure), styles[i])
        return unit === 'us' ? withNever(text, estimate, measure) : text
      }),
    ]),
  }
}

/** A time that did not come is no number, and must not be lost among those that did. */
function withNever(text: string, { faults, without }: FaultEstimate, measure: FaultMeasure): string {
  const never = without.get(measure) ?? 0
  if (never === 0) return text
  return text === NONE ? 'not before the end' : `${text}; ${never} of ${faults} not before the end`
}
