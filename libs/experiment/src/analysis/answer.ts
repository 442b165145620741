import { metricName } from '@kvasir/contracts'
import type { ExperimentPlan } from '../plan/plan-experiment.js'
import type { Verdict, VerdictKind } from './verdicts.js'

/**
 * The sentences that answer the question: of a comparison's first metric, a sentence a baseline and one whether its aim is kept;
 * then how sure that is. Empty without comparisons.
 */
export function answerSentences(plan: ExperimentPlan, verdicts: readonly Verdict[]): readonly string[] {
  const main = metricName(plan.spec.metrics[0])
  const directions = new Map(plan.spec.metrics.map((metric) => [metricName(metric), metric.better]))
  const groups = new Map<string, Verdict[]>()
  for (const verdict of verdicts) {
    const [first = main] = plan.spec.comparisons[verdict.comparison].metrics ?? []
    if (verdict.metric !== first) continue
    const key = `${verdict.comparison} ${verdict.baseline}`
    groups.set(key, [...(groups.get(key) ?? []), verdict])
  }
  const sentences = [...groups.values()].flatMap((group) => {
    const [{ comparison, metric }] = group
    const { aim } = plan.spec.comparisons[comparison]
    if (aim === undefined) return [groupSentence(group)]
    const bound = directions.get(metric) === 'higher' ? ('at least' as const) : ('at most' as const)
    return [groupSentence(group), aimSentence(group, { aim, bound })]
  })
  return sentences.length === 0 ? [] : [...sentences, confidenceSentence(verdicts)]
}

/** `weighted-max-min against static, goodput per load: better at 0.9 (1.31×), 1.1 (3.2×); no difference beyond noise at 0.5 (1.01×).` */
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

/** Places of which each is named with its own effect; of more a range says how far they differ. */
const NAMED_MAX = 6

function kindPhrase(kind: VerdictKind, those: readonly Verdict[], all: number): string {
  const [{ where }] = those
  if (all === 1 || where.length === 0) return `${PHRASES[kind]} (${effectRange(those)})`
  if (those.length <= NAMED_MAX) {
    const each = those.map((verdict) => `${placeName(verdict)} (${effectRange([verdict])})`)
    return `${PHRASES[kind]} at ${each.join(', ')}`
  }
  const which = those.length === all ? `at all ${all}` : `at ${those.map(placeName).join(', ')}`
  return `${PHRASES[kind]} ${which} (${effectRange(those)})`
}

function placeName({ where }: Verdict): string {
  return where.map(({ level }) => level).join(' and ')
}

type AimKind = 'kept' | 'missed' | 'not decided'

/** `Aim, at most 1.2×: kept at static (1 [0.98, 1.02]); missed at uncoordinated (2.4 [2.1, 2.8]).` */
function aimSentence(
  verdicts: readonly Verdict[],
  { aim, bound }: { readonly aim: number; readonly bound: 'at most' | 'at least' },
): string {
  const kinds: readonly AimKind[] = ['kept', 'missed', 'not decided']
  const parts = kinds.flatMap((kind) => {
    const those = verdicts.filter((verdict) => aimKind(verdict, aim, bound) === kind)
    return those.length === 0 ? [] : [`${kind} ${those.map(aimPlace).join(', ')}`]
  })
  return `Aim, ${bound} ${short(aim)}×: ${parts.join('; ')}.`
}

/** Not decided where the interval holds the aim, or there is none. */
function aimKind({ ratioInterval }: Verdict, aim: number, bound: 'at most' | 'at least'): AimKind {
  if (ratioInterval === null) return 'not decided'
  const { low, high } = ratioInterval
  if (low <= aim && aim <= high) return 'not decided'
  return (bound === 'at most' ? high < aim : low > aim) ? 'kept' : 'missed'
}

function aimPlace(verdict: Verdict): string {
  const { ratio, ratioInterval, where } = verdict
  const mean = ratio === null ? 'no ratio' : `${short(ratio)}×`
  const spread = ratioInterval === null ? '' : ` [${short(ratioInterval.low)}, ${short(ratioInterval.high)}]`
  return where.length === 0 ? `(${mean}${spread})` : `at ${placeName(verdict)} (${mean}${spread})`
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
