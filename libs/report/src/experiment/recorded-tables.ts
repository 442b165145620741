import { besideRecorded, type RecordedComparison, type RecordedRow } from '@kvasir/experiment'
import { significant, styleFor } from '../numbers.js'
import type { CellTable } from '../run-tables.js'
import type { ExperimentReport } from './model.js'

const NONE = '–'

/** A table for each record of somebody else's numbers: theirs, what was measured here, and how much that is of theirs. */
export function recordedTables(
  report: Pick<ExperimentReport, 'plan' | 'metrics' | 'estimates'>,
): readonly CellTable[] {
  return besideRecorded(report.plan, report.estimates)
    .filter(({ rows }) => rows.length > 0)
    .map((comparison) => recordedTable(comparison, report))
}

function recordedTable(
  { name, source, metric, by, over, rows }: RecordedComparison,
  { metrics }: Pick<ExperimentReport, 'metrics'>,
): CellTable {
  const unit = metrics.find((candidate) => candidate.name === metric)?.unit ?? 'count'
  const values = rows.flatMap(({ recorded, measured = 0 }) => [recorded, measured])
  const { write, suffix } = styleFor(unit, values)
  const ratioHeader = over === undefined ? [] : [`recorded ÷ ${over.level}`, `measured ÷ ${over.level}`]
  const ratios = ({ recordedRatio, measuredRatio }: RecordedRow) =>
    over === undefined ? [] : [ratioText(recordedRatio), ratioText(measuredRatio)]
  return {
    caption: `${metric}, recorded by ${name} (${source})`,
    header: [by.join(' / '), 'recorded', 'measured', 'measured ÷ recorded', ...ratioHeader],
    rows: rows.map((row) => [
      row.levels.join(' / '),
      `${write(row.recorded)}${suffix}`,
      row.measured === undefined ? NONE : `${write(row.measured)}${suffix}`,
      ratioText(row.measured === undefined || row.recorded === 0 ? undefined : row.measured / row.recorded),
      ...ratios(row),
    ]),
  }
}

/** Three decimals: what is repeated exactly differs in the last one, if at all. */
function ratioText(value: number | undefined): string {
  if (value === undefined) return NONE
  return value < 10 ? value.toFixed(3) : significant(value)
}
