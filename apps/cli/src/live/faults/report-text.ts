import type { Check } from './check.js'
import type { FaultReport } from './run-faults.js'

/** Violations of one check that are spelled out. */
const SHOWN = 5

/** What was killed, what came of it, and a table of all checks, for people. */
export function faultReportText({ struck, checks, numbers }: FaultReport): string {
  const { requests, finished, otherEnds, tokens, decisions, rank, healedMs } = numbers
  return [
    'killed:',
    ...struck.map(({ atMs, victim }) => `  ${(atMs / 1000).toFixed(1).padStart(6)} s  ${victim}`),
    '',
    `${requests} requests: ${finished} finished (${tokens} tokens came in pieces)`,
    ...Object.entries(otherEnds).map(([end, count]) => `  ${String(count).padStart(6)}  ${end}`),
    `donors of memory: ${countsText(rank.donors)}; sequences stopped for other engines: ${countsText(rank.stopped)}`,
    `${decisions} decisions read; everything was ready ${(healedMs / 1000).toFixed(1)} s after the last fault`,
    '',
    '| law | what | cases | violations |',
    '|---|---|---:|---:|',
    ...checks.map(
      // Of what never happened it is not known whether it holds.
      ({ law, what, checked, violations }) =>
        `| ${law} | ${what} | ${checked} | ${checked === 0 ? 'not exercised' : violations.length} |`,
    ),
    ...checks.flatMap(violationLines),
  ].join('\n')
}

function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ')
}

function violationLines({ law, what, violations }: Check): readonly string[] {
  if (violations.length === 0) return []
  const more = violations.length > SHOWN ? [`  and ${violations.length - SHOWN} more`] : []
  return ['', `law ${law}, ${what}:`, ...violations.slice(0, SHOWN).map((text) => `  ${text}`), ...more]
}
