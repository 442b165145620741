import { cellTableMarkdown } from '../markdown/cell-table.js'
import { codeSpan, escapeMarkdown } from '../markdown/escape.js'
import { estimateTable, verdictTable } from './experiment-tables.js'
import { FAULT_NOTE, faultTable } from './fault-table.js'
import type { ExperimentReport } from './model.js'
import { recordedTables } from './recorded-tables.js'
import { searchTables } from './search-tables.js'

/** The report of an experiment as Markdown, readable as plain text too. */
export function renderExperimentMarkdown(report: ExperimentReport): string {
  const { spec } = report.plan
  const blocks = [
    `# ${escapeMarkdown(spec.name)}`,
    escapeMarkdown(spec.question),
    '## Answer',
    ...report.answer.map((sentence) => escapeMarkdown(sentence)),
    ...report.cautions.map((caution) => `> ${escapeMarkdown(caution)}`),
    ...searchBlocks(report),
    '## Measured',
    cellTableMarkdown(estimateTable(report)),
    'Intervals by bootstrap over the seeds. ↑ more is better, ↓ less is better.',
    ...faultBlocks(report),
    ...(report.verdicts.length === 0 ? [] : ['## Compared', cellTableMarkdown(verdictTable(report))]),
    ...recordedBlocks(report),
    '## Where it comes from',
    report.facts.map(({ label, value }) => `- ${escapeMarkdown(label)}: ${escapeMarkdown(value)}`).join('\n'),
    `Made again by ${codeSpan(report.command)}.`,
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

function searchBlocks(report: ExperimentReport): readonly string[] {
  const tables = searchTables(report)
  return tables.length === 0 ? [] : ['## Found', ...tables.map(cellTableMarkdown)]
}

function faultBlocks(report: ExperimentReport): readonly string[] {
  const table = faultTable(report)
  return table === undefined ? [] : ['## Faults', cellTableMarkdown(table), escapeMarkdown(FAULT_NOTE)]
}

function recordedBlocks(report: ExperimentReport): readonly string[] {
  const tables = recordedTables(report)
  return tables.length === 0 ? [] : ['## Beside the numbers of others', ...tables.map(cellTableMarkdown)]
}
