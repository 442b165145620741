import { codeSpan, escapeMarkdown } from '../markdown/escape.js'
import type { CellTable } from '../run-tables.js'
import { estimateTable, verdictTable } from './experiment-tables.js'
import type { ExperimentReport } from './model.js'

/** The report of an experiment as Markdown, readable as plain text too. */
export function renderExperimentMarkdown(report: ExperimentReport): string {
  const { spec } = report.plan
  const blocks = [
    `# ${escapeMarkdown(spec.name)}`,
    escapeMarkdown(spec.question),
    '## Answer',
    ...report.answer.map((sentence) => escapeMarkdown(sentence)),
    ...report.cautions.map((caution) => `> ${escapeMarkdown(caution)}`),
    '## Measured',
    table(estimateTable(report)),
    'Intervals by bootstrap over the seeds. ↑ more is better, ↓ less is better.',
    ...(report.verdicts.length === 0 ? [] : ['## Compared', table(verdictTable(report))]),
    '## Where it comes from',
    report.facts.map(({ label, value }) => `- ${escapeMarkdown(label)}: ${escapeMarkdown(value)}`).join('\n'),
    `Made again by ${codeSpan(report.command)}.`,
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

function table({ caption, header, rows }: CellTable): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`
  const marks = `| ${header.map((_, column) => (column === 0 ? ':--' : '--:')).join(' | ')} |`
  return [`${caption}:`, '', line(header), marks, ...rows.map(line)].join('\n')
}
