import type { SearchFinding, SearchReport, SearchSetting } from './search-report.js'

/** The sentences that say what a search has found, one a combination of the factors; then by what it was judged. */
export function searchSentences(report: SearchReport, factors: readonly string[]): readonly string[] {
  const findings = report.findings.map((finding) => {
    const label = factors.map((name, i) => `${name}=${finding.levels[i]}`).join(' ')
    return `${label === '' ? '' : `${label}: `}${findingText(finding, report)}.`
  })
  return [...findings, ...disorderSentences(report), judgedSentence(report)]
}

function findingText(finding: SearchFinding, report: SearchReport): string {
  const { kind, found, next, failure } = finding
  if (kind === 'open') return failure === null ? 'not found yet' : `not found, since a run failed: ${failure}`
  if (found === null) {
    const nearest = next === null ? '' : `, not even ${settingText(next, report)}${attainedText(next)}`
    return `nothing meets ${goalsText(report)}${nearest}`
  }
  return report.kind === 'best' ? bestText(found, finding, report) : thresholdText(found, finding, report)
}

/** `groups 3 (12 GPUs) is the smallest that meets the goals: 0.995; groups 2 (8 GPUs): 0.93` */
function thresholdText(found: SearchSetting, { next, isAtEnd }: SearchFinding, report: SearchReport): string {
  const other = report.kind === 'smallest' ? 'smaller' : 'larger'
  const beyond = isAtEnd
    ? `, and the ${report.kind} there is: a ${other} one may meet them too`
    : next === null
      ? ''
      : `; ${settingText(next, report)} does not${attainedText(next)}`
  return `${settingText(found, report)} is the ${report.kind} that meets ${goalsText(report)}${attainedText(found)}${beyond}`
}

function bestText(found: SearchSetting, { next, looked }: SearchFinding, report: SearchReport): string {
  const metric = (setting: SearchSetting) => (setting.metric === null ? 'nothing' : short(setting.metric))
  const miss = found.meets ? '' : `, though it does not meet ${goalsText(report)}${attainedText(found)}`
  const second = next === null ? '' : `; the second, ${settingText(next, report)}, comes to ${metric(next)}`
  return `of ${looked} candidates ${settingText(found, report)} is the best, ${report.metric.name} ${metric(found)}${miss}${second}`
}

function settingText({ levels, gpus }: SearchSetting, { axes }: SearchReport): string {
  const names = axes.map((name, i) => `${name} ${levels[i]}`).join(', ')
  return gpus === null ? names : `${names} (${short(gpus)} GPUs)`
}

function attainedText({ goals, refusals }: SearchSetting): string {
  if (refusals.length > 0) return `, since it cannot run: ${refusals[0]}`
  const values = goals.map(({ worst, mean }) =>
    worst === null || mean === null
      ? 'no number'
      : worst === mean
        ? short(mean)
        : `${short(mean)} in the mean, ${short(worst)} at worst`,
  )
  return values.length === 0 ? '' : ` (${values.join('; ')})`
}

function goalsText({ goals }: SearchReport): string {
  return goals.join(' and ')
}

function disorderSentences({ findings, axes }: SearchReport): readonly string[] {
  const pairs = findings.flatMap(({ disorder }) => disorder)
  if (pairs.length === 0) return []
  const texts = pairs.map(({ meets, fails }) => `${meets} meets the goals and ${fails} does not`)
  return [
    `The evidence is not in order: of ${axes[0]} ${texts.join('; ')}. What is named as found is on the safe side of all that failed.`,
  ]
}

const JUDGED: Readonly<Record<SearchReport['by'], string>> = {
  'every-seed': 'with every seed',
  mean: 'in the mean of the seeds',
  interval: 'with the whole 95 % interval of the mean',
}

function judgedSentence({ by, findings, goals }: SearchReport): string {
  const seeds = Math.max(0, ...findings.map(({ found }) => found?.seeds ?? 0))
  const looked = findings.reduce((sum, finding) => sum + finding.looked, 0)
  const judged = goals.length === 0 ? '' : `; goals are met ${JUDGED[by]}`
  return `${looked} settings were looked at, what was found with ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}${judged}.`
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)))
}
