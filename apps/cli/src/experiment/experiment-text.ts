import type { ExperimentSpec, Manifest } from '@kvasir/contracts'
import { besideRecorded, cellLabel, type ExperimentPlan, type Movement } from '@kvasir/experiment'
import {
  type CellTable,
  ESTIMATE_CAPTION,
  estimateTable,
  type ExperimentReport,
  recordedTables,
  searchTables,
  renderTable,
  significant,
} from '@kvasir/report'
import { spanText } from './experiment-progress.js'

/** The plan in a few lines: what varies, how many runs, what they may take. */
export function planText(
  { spec, factors, cells, seeds, runs }: ExperimentPlan,
  estimate: { readonly wallMs: number; readonly workers: number },
): string {
  const { stop } = spec
  const most =
    stop === undefined
      ? ''
      : `, up to ${stop.seedsMax} until ${stop.metric ?? 'the first metric'} is within ${stop.within * 100} %`
  const each = spec.repetitions > 1 ? ` × ${spec.repetitions} repetitions` : ''
  const { wallMs, workers } = estimate
  return [
    `${spec.name}: ${spec.question}`,
    '',
    ...factors.map(({ name, levels }) => `  ${name.padEnd(12)} ${levels.join(', ')}`),
    `  ${'seeds'.padEnd(12)} ${seeds.join(', ')}${most}`,
    '',
    `${runs.length} runs: ${cells.length} combinations × ${seeds.length} seeds${each}`,
    `about ${spanText(wallMs / workers)} with ${workers} ${workers === 1 ? 'worker' : 'workers'} (${spanText(wallMs)} one after the other; by timing up to three of them here)`,
  ].join('\n')
}

/** What a search may take, in a few lines. */
export function searchPlanText(search: {
  readonly spec: ExperimentSpec
  readonly axes: readonly string[]
  /** Settings of all axes together. */
  readonly count: number
  readonly cells: number
  readonly runsMax: number
  readonly wallMs: number
  readonly workers: number
}): string {
  const { spec, axes, count, cells, runsMax, wallMs, workers } = search
  const what = spec.search?.kind === 'best' ? `${count} candidates` : `${count} settings`
  return [
    `${spec.name}: ${spec.question}`,
    '',
    `  ${'looks at'.padEnd(12)} ${axes.join(', ')}: the ${spec.search?.kind} of ${what}`,
    `  ${'for each of'.padEnd(12)} ${cells} ${cells === 1 ? 'combination' : 'combinations'} of the factors`,
    '',
    `up to ${runsMax} runs, about ${spanText(wallMs / workers)} with ${workers} ${workers === 1 ? 'worker' : 'workers'} (${spanText(wallMs)} one after the other; by timing both ends here)`,
  ].join('\n')
}

/** The answer, and the table it comes from. */
export function resultsText(
  { answer, cautions, ...report }: ExperimentReport,
  { ansi }: { readonly ansi: boolean },
): string {
  const { header, rows } = estimateTable({ ...report, answer, cautions })
  const table = renderTable({
    header,
    rows,
    align: header.map((_, column) => (column === 0 ? 'left' : 'right')),
    emphasis: ansi ? 'ansi' : 'none',
  })
  return [
    report.plan.spec.question,
    '',
    ...answer,
    ...(answer.length === 0 ? [] : ['']),
    ...searchTables(report).flatMap((found) => [captioned(found), '']),
    table,
    '',
    `${ESTIMATE_CAPTION}.`,
    ...recordedText(report),
    ...cautions,
  ].join('\n')
}

function recordedText(report: Pick<ExperimentReport, 'plan' | 'metrics' | 'estimates'>): readonly string[] {
  return recordedTables(report).flatMap((table) => ['', captioned(table)])
}

function captioned({ caption, header, rows }: CellTable): string {
  const align = header.map((_, column) => (column === 0 ? ('left' as const) : ('right' as const)))
  return `${caption}:\n${renderTable({ header, rows, align })}`
}

/** What a program reads: no curves. */
export function resultsJson(path: string, manifest: Manifest, report: ExperimentReport): string {
  const { plan, estimates, verdicts, search } = report
  const levels = plan.cells.map((cell) => cell.levels)
  const json = {
    path,
    manifest,
    estimates: estimates.map(({ cell, ...estimate }) => ({ levels: levels[cell], ...estimate })),
    verdicts,
    ...(search === undefined ? {} : { search }),
    recorded: besideRecorded(plan, estimates),
  }
  return JSON.stringify(json, undefined, 2)
}

/** What has moved from one result to the other. */
export function movementsText(
  factors: Manifest['factors'],
  movements: readonly Movement[],
  [before, after]: readonly [string, string],
): string {
  const moved = movements.filter(({ kind }) => kind === 'better' || kind === 'worse')
  const unsure = movements.filter(({ kind }) => kind === 'too_few')
  const still = movements.length - moved.length - unsure.length
  const row = ({ levels, metric, before: old, after: now, difference, interval, kind }: Movement) => [
    cellLabel({ factors }, levels) || 'all',
    metric,
    significant(old),
    significant(now),
    kind === 'too_few' ? 'too few seeds' : kind,
    signedText(difference) +
      (interval === null ? '' : ` [${signedText(interval.low)}, ${signedText(interval.high)}]`),
  ]
  const table = renderTable({
    header: ['where', 'metric', 'before', 'after', 'verdict', 'difference, 95 %'],
    align: ['left', 'left', 'right', 'right', 'left', 'left'],
    rows: [...moved, ...unsure].map(row),
  })
  const counts = `${movements.length} numbers in both: ${moved.length} moved beyond noise, ${still} did not, ${unsure.length} with too few seeds to say`
  return [`${before} → ${after}`, counts, ...(moved.length + unsure.length === 0 ? [] : ['', table])].join(
    '\n',
  )
}

function signedText(value: number): string {
  return `${value > 0 ? '+' : ''}${significant(value)}`
}
