import { renderTable } from '@kvasir/report'
import { isMissed, type SetReport } from './serving-accuracy.js'

const header = ['set', 'of', 'basis', 'points', 'mean', 'median', 'bias', 'p90', 'worst', 'bar', '']

/** Reports as a table for a terminal, with a line that says whether every ceiling is kept. */
export function accuracyText(reports: readonly SetReport[]): string {
  const table = renderTable({
    header,
    align: header.map((name) => (['set', 'of', 'basis', ''].includes(name) ? 'left' : 'right')),
    rows: reports.map(cells),
  })
  const several = reports.filter(({ points }) => points > 1)
  const worst = several.map(({ set, quantity, worst }) => `  ${set}, ${quantity}: ${worst.at}`)
  return [table.trimEnd(), '', 'worst points', ...worst, '', verdict(reports), ''].join('\n')
}

export function verdict(reports: readonly SetReport[]): string {
  const of = (kind: 'ceiling' | 'aim') => reports.filter(({ bar }) => bar?.kind === kind)
  const kept = (kind: 'ceiling' | 'aim') => of(kind).filter((report) => !isMissed(report)).length
  return `${kept('ceiling')} of ${of('ceiling').length} ceilings kept, ${kept('aim')} of ${of('aim').length} aims reached`
}

/** The same as a Markdown table; what it is about stands around it. */
export function accuracyMarkdown(reports: readonly SetReport[]): string {
  const line = (values: readonly string[]) => `| ${values.join(' | ')} |`
  const columns = [...header.slice(0, -1), 'worst point']
  const rows = reports.map((report) =>
    line([...cells(report).slice(0, -1), report.worst.at.replaceAll('|', '/')]),
  )
  return [line(columns), line(columns.map(() => '---')), ...rows].join('\n')
}

function cells(report: SetReport): readonly string[] {
  const { set, quantity, basis, note, points, mape, median, bias, p90, worst, bar } = report
  const how = basis === 'fitted' ? 'fitted' : 'held out'
  const barText =
    bar === undefined ? '' : `${bar.of} ≤ ${percent(bar.at)}${bar.kind === 'aim' ? ' (aim)' : ''}`
  return [
    set,
    quantity,
    note === '' ? how : `${how}: ${note}`,
    points.toLocaleString('en'),
    percent(mape),
    percent(median),
    percent(bias),
    percent(p90),
    percent(worst.error),
    barText,
    bar === undefined ? '' : isMissed(report) ? 'MISSED' : 'kept',
  ]
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
