import type { Comparison, ComparisonRow } from './model.js'
import { times, withUnit } from './numbers.js'

/** How the subject did, row by row. */
export interface SubjectVerdict {
  readonly subject: string
  readonly wins: readonly ComparisonRow[]
  readonly ties: readonly ComparisonRow[]
  readonly losses: readonly Loss[]
}

export interface Loss {
  readonly row: ComparisonRow
  readonly winner: string
  /** How much better the winner is than the subject, as `marginText` says it. */
  readonly margin: string
}

export function subjectVerdict(comparison: Comparison): SubjectVerdict {
  const { policies, subject, rows } = comparison
  const wins: ComparisonRow[] = []
  const ties: ComparisonRow[] = []
  const losses: Loss[] = []
  for (const row of rows) {
    const { verdict } = row
    if (verdict.kind === 'no_contest' || row.cells[subject] === null) continue
    const best = verdict.kind === 'won' ? [verdict.winner] : verdict.policies
    if (!best.includes(subject)) {
      losses.push({ row, winner: policies[best[0]], margin: marginBetween(row, best[0], subject) })
    } else if (verdict.kind === 'won') wins.push(row)
    else ties.push(row)
  }
  return { subject: policies[subject], wins, ties, losses }
}

/** The verdict in two sentences: who wins, and where not. */
export function verdictSentences(comparison: Comparison): readonly string[] {
  const { subject, wins, ties, losses } = subjectVerdict(comparison)
  const contested = wins.length + ties.length + losses.length
  if (contested === 0) return ['There is nothing to compare: only one policy has numbers.']
  const tied = ties.length === 0 ? '' : `, shares the best in ${ties.length}`
  const first = `${subject} is alone best in ${wins.length} of ${contested} rows${tied}, and is behind in ${losses.length}.`
  if (losses.length === 0) return [first]
  return [first, `Where not: ${losses.map(lossText).join('; ')}.`]
}

export function rowName(row: ComparisonRow): string {
  return row.scope === '' ? row.metric : `${row.metric}, ${row.scope}`
}

/** How much better the best is than the next, `tie`, or nothing where there was no contest. */
export function marginText(row: ComparisonRow): string {
  switch (row.verdict.kind) {
    case 'won':
      return marginBetween(row, row.verdict.winner, row.verdict.runnerUp)
    case 'tied':
      return 'tie'
    case 'no_contest':
      return ''
  }
}

/** Amounts by how many times (`1.42×`), shares in percentage points, indices by their difference. */
function marginBetween(row: ComparisonRow, winner: number, other: number): string {
  const a = row.cells[winner]?.mean ?? 0
  const b = row.cells[other]?.mean ?? 0
  if (row.unit === 'share') return `${(Math.abs(a - b) * 100).toFixed(1)} pt`
  if (row.unit === 'index') return Math.abs(a - b).toFixed(3)
  const small = Math.min(a, b)
  return small > 0 ? times(Math.max(a, b) / small) : `${withUnit(row.unit, Math.max(a, b))} to 0`
}

/** Columns that hold the best value of a row: one, or several when they are tied, or none without a contest. */
export function bestOf(row: ComparisonRow): readonly number[] {
  switch (row.verdict.kind) {
    case 'won':
      return [row.verdict.winner]
    case 'tied':
      return row.verdict.policies
    case 'no_contest':
      return []
  }
}

function lossText(loss: Loss): string {
  return `${rowName(loss.row)} (${loss.winner} by ${loss.margin})`
}
