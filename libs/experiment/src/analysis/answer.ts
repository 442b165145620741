import { metricName } from '@kvasir/contracts'
import type { ExperimentPlan } from '../plan/plan-experiment.js'
import type { Verdict, VerdictKind } from './verdicts.js'

/**
 * The sentences that answer the question: of the main metric, a sentence a baseline; then how sure that is. Empty without
 * comparisons.
 */
export function answerSentences(plan: ExperimentPlan, verdicts: readonly Verdict[]): readonly string[] {
  const main = metricName(plan.spec.metrics[0])
  const groups = new Map<string, Verdict[]>()
  for (const verdict of verdicts) {
    const measured = plan.spec.comparisons[verdict.comparison].metrics
    if (verdict.metric !== (measured?.includes(main) === false ? measured[0] : main)) continue
    const key = `${verdict.comparison} ${verdict.baseline}`
    groups.set(key, [...(groups.get(key) ?? []), verdict])
  }
  const sentences = [...groups.values()].map(groupSentence)
  return sentences.length === 0 ? [] : [...sentences, confidenceSentence(verdicts)]
}

/** `weighted-max-min against static, goodput: better at 5 of 6 load (1.31× to 3.20×); no difference beyond noise at load 0.5.` */
function groupSentence(verdicts: readonly Verdict[]): string {
  const { subject, baseline, metric, where } = verdicts[0]
  const kinds: readonly VerdictKind[] = ['better', 'worse', 'no_difference', 'too_few']
  const parts = kinds.flatMap((kind) => {
    const those = verdicts.filter((verdict) => verdict.kind === kind)
    return those.length === 0 ? [] : [kindPhrase(kind, those, verdicts.length)]
  })
  const places = where.length === 0 ? '' : ` per ${where.map(({ factor }) => factor).join(' and ')}`
  return `${subject} against ${baseline}, ${metric}${places}: ${parts.join('; ')}.`
}

const PHRASES: Readonly<Record<VerdictKind, string>> = {
  better: 'better',
  worse: 'worse',
  no_difference: 'no difference beyond noise',
  too_few: 'too few seeds to say',
}

function kindPhrase(kind: VerdictKind, those: readonly Verdict[], all: number): string {
  const effects = effectRange(those)
  const [{ where }] = those
  if (all === 1 || where.length === 0) return `${PHRASES[kind]} (${effects})`
  const names = those.map((verdict) => verdict.where.map(({ level }) => level).join(' and '))
  const which = those.length === all ? `at all ${all}` : `at ${names.join(', ')}`
  return `${PHRASES[kind]} ${which} (${effects})`
}

/** Ratios where there are any, else differences. */
function effectRange(verdicts: readonly Verdict[]): string {
  const ratios = verdicts.flatMap(({ ratio }) => (ratio === null ? [] : [ratio]))
  const isRatio = ratios.length === verdicts.length
  const values = isRatio ? ratios : verdicts.map(({ difference }) => difference)
  const write = (value: number) => (isRatio ? `${short(value)}×` : `${value > 0 ? '+' : ''}${short(value)}`)
  const low = write(Math.min(...values))
  const high = write(Math.max(...values))
  return low === high ? low : `${low} to ${high}`
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)))
}

function confidenceSentence(verdicts: readonly Verdict[]): string {
  const pairs = verdicts.map((verdict) => verdict.pairs)
  const fewest = Math.min(...pairs)
  const most = Math.max(...pairs)
  const seeds = fewest === most ? String(most) : `${fewest} to ${most}`
  const judged = verdicts.filter(({ kind }) => kind !== 'too_few').length
  if (judged === 0)
    return `Nothing is certain: ${seeds} ${most === 1 ? 'seed' : 'seeds'}, and a verdict takes five.`
  const byChance = short(judged * 0.05)
  return `Each at 95 % confidence, paired over ${seeds} seeds; of ${judged} verdicts in all metrics about ${byChance} would be called different by chance alone.`
}
