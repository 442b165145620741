import { invariant } from '@kvasir/kernel'
import { comparisonCells } from '../comparison-text.js'
import { firstOfEachPolicy, foldMatrix, foldSeries, type ShownModels, shownModels } from '../fold-models.js'
import type { Comparison, ReportInput, ReportRun } from '../model.js'
import { withUnit } from '../numbers.js'
import { plotFileName } from '../plot-files.js'
import { comparisonBarPlots, comparisonCdfPlots, type NamedPlot, runCdfPlots, timePlots } from '../plots.js'
import { regimeWarnings } from '../regime.js'
import { type CellTable, keyFigures, modelTable, poolTable, preemptionTable } from '../run-tables.js'
import { headline } from '../headline.js'
import { verdictSentences } from '../verdict.js'
import { codeSpan, escapeMarkdown } from './escape.js'
import { sparkline } from './sparkline.js'

export interface MarkdownOptions {
  /**
   * Folder, as seen from the report, that holds the files of `renderPlotFiles`. Without it the report draws its time series
   * in block letters.
   */
  readonly plotFolder?: string
}

/** The report as Markdown, readable as plain text too. */
export function renderMarkdown(input: ReportInput, options: MarkdownOptions = {}): string {
  invariant(input.runs.length > 0, () => 'a report needs at least one run')
  const shown = shownModels(input)
  const blocks = [
    `# ${escapeMarkdown(input.title)}`,
    escapeMarkdown(input.subtitle),
    input.facts.map((fact) => `- ${escapeMarkdown(fact.label)}: ${escapeMarkdown(fact.value)}`).join('\n'),
    ...(input.comparison === undefined ? [] : comparisonBlocks(input, input.comparison, shown, options)),
    ...firstOfEachPolicy(input.runs).flatMap((run) => runBlocks(run, input, shown, options)),
    input.command === undefined ? '' : `Made again by ${codeSpan(input.command)}.`,
    'Times are virtual unless they say otherwise; percentiles are nearest-rank.',
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

function comparisonBlocks(
  input: ReportInput,
  comparison: Comparison,
  shown: ShownModels,
  options: MarkdownOptions,
): readonly string[] {
  const [first, ...rest] = [...headline(comparison), ...verdictSentences(comparison)]
  const plots = [...comparisonBarPlots(comparison), ...comparisonCdfPlots(input.runs, comparison, shown)]
  return [
    '## Who wins, by how much, and where not',
    `**${escapeMarkdown(first)}**`,
    ...rest.map(escapeMarkdown),
    comparisonTable(comparison),
    'The same requests under every policy. Bold: best of its row. ↑ more is better, ↓ less is better.',
    ...comparison.cautions.map((caution) => `> ${escapeMarkdown(caution)}`),
    images(plots, options),
  ]
}

function comparisonTable(comparison: Comparison): string {
  const { header, rows } = comparisonCells(comparison)
  return table(
    header,
    rows.map((row) => [
      `${row.better === 'higher' ? '↑' : '↓'} ${escapeMarkdown(row.name)}`,
      ...row.values.map((value, column) => (row.best.includes(column) ? `**${value}**` : value)),
      row.margin,
    ]),
  )
}

function runBlocks(
  run: ReportRun,
  input: ReportInput,
  shown: ShownModels,
  options: MarkdownOptions,
): readonly string[] {
  const heading = input.runs.length === 1 ? 'The run' : `${run.policy}, seed ${run.seed}`
  const matrix = preemptionTable({ ...run, preemptions: foldMatrix(run.preemptions) })
  const notes = [
    ...run.notes,
    ...regimeWarnings(run.summary),
    ...run.summary.conditions.map((condition) => `Condition raised: ${condition}.`),
  ]
  return [
    `## ${escapeMarkdown(heading)}`,
    keyFigures(run)
      .map((figure) => `${figure.label} **${figure.value}** (${figure.detail})`)
      .join(' · '),
    notes.map((note) => `- ${escapeMarkdown(note)}`).join('\n'),
    cellTable(modelTable(run, input.models)),
    cellTable(poolTable(run)),
    matrix === undefined ? 'Nobody preempted anybody.' : cellTable(matrix),
    options.plotFolder === undefined
      ? sparklines(run, shown)
      : images([...timePlots(run, shown), ...runCdfPlots(run, shown)], options, run),
  ]
}

function cellTable(cells: CellTable): string {
  const rows = cells.rows.map((row) => row.map(escapeMarkdown))
  return `${cells.caption}:\n\n${table(cells.header, rows)}`
}

/** Header escaped, cells as they are; the first column is text, the others are numbers. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const marks = header.map((_, column) => (column === 0 ? ':--' : '--:'))
  return [line(header.map(escapeMarkdown)), line(marks), ...rows.map(line)].join('\n')
}

/** Series that share a scale, so that their heights can be compared. */
function sparklines(run: ReportRun, shown: ShownModels): string {
  const models = foldSeries(run, shown)
  const width = Math.max(
    ...[...models.map((model) => model.model), ...run.series.pools.map((pool) => pool.pool)].map(
      (name) => name.length,
    ),
  )
  const group = (
    title: string,
    lines: readonly { readonly name: string; readonly values: readonly number[] }[],
    max?: number,
  ) => {
    const top = max ?? lines.reduce((most, line) => Math.max(most, ...line.values), 0)
    const rows = lines.map((line) => `  ${line.name.padEnd(width)} ${sparkline(line.values, 60, top)}`)
    return [title, ...rows].join('\n')
  }
  const peak = (values: readonly number[]) =>
    withUnit(
      'count',
      values.reduce((most, value) => Math.max(most, value), 0),
    )
  const text = [
    group(
      'tokens granted',
      models.map((model) => ({ name: model.model, values: model.budgetTokensPerS })),
    ),
    group(
      'bundles leased',
      models.map((model) => ({ name: model.model, values: model.leasedBundles })),
    ),
    group(
      `waiting requests (peak ${peak(models.flatMap((model) => model.queueLength))})`,
      models.map((model) => ({ name: model.model, values: model.queueLength })),
    ),
    group(
      'utilisation',
      run.series.pools.map((pool) => ({ name: pool.pool, values: pool.utilisation })),
      1,
    ),
  ].join('\n')
  return `Over time, from 0 to ${withUnit('us', run.series.endUs)}:\n\n${fenced(text)}`
}

function fenced(text: string): string {
  const safe = text.replace(/[^\P{Cc}\n]+/gu, ' ')
  const longest = Math.max(2, ...[...safe.matchAll(/`+/g)].map((run) => run[0].length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}text\n${safe}\n${fence}`
}

function images(plots: readonly NamedPlot[], options: MarkdownOptions, run?: ReportRun): string {
  if (options.plotFolder === undefined) return ''
  const folder = options.plotFolder
  return plots
    .map((plot) => `![${plot.name}](${encodeURI(`${folder}/${plotFileName(plot.name, run)}`)})`)
    .join('\n')
}
