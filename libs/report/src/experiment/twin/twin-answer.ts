import { TWIN_TOLERANCE, type TwinDistance, type TwinLatency, type Unrest } from '@kvasir/experiment'
import { duration, significant } from '../../numbers.js'
import type { TwinRun } from './twin-report.js'

/** What a run comes to, sentence by sentence: latencies, ends, decisions, and how quiet it was. */
export function twinAnswer(run: TwinRun): readonly string[] {
  return [verdictSentence(run), endSentence(run), decisionSentence(run), quietSentence(run)]
}

function verdictSentence({ verdict }: TwinRun): string {
  switch (verdict.kind) {
    case 'agrees':
      return `Live and simulated agree: ${distanceText(verdict)}.`
    case 'differs':
      return `Live and simulated differ by more than ${percent(TWIN_TOLERANCE)}: ${distanceText(verdict)}.`
    case 'ended_otherwise':
      return `${verdict.requests} requests ended otherwise than simulated: latencies are not judged.`
    case 'not_judged':
      return `Not judged: the machine was too busy. ${unrestText(verdict.because)}. Measure again on a quiet machine, or in slower motion (--speed).`
    case 'nothing_to_compare':
      return 'Nothing to compare: no request finished on both sides.'
  }
}

function distanceText({ medians, tails, worst: { median, tail } }: TwinDistance): string {
  return [
    `medians are within ${percent(medians)} of each other (${median.name} of ${median.model}: ${duration(median.live.p50 ?? 0)} live, ${duration(median.simulated.p50 ?? 0)} simulated)`,
    tailText(tails, tail),
  ].join(', ')
}

function tailText(tails: number | null, tail: TwinLatency | undefined): string {
  if (tails === null || tail === undefined) return 'with too few requests to judge tails'
  if (tails === 0) return 'every p90 is in the range of the simulations'
  const [least, most] = tail.range.p90 ?? [0, 0]
  return `p90 within ${percent(tails)} of the range of the simulations (${tail.name} of ${tail.model}: ${duration(tail.live.p90 ?? 0)} live, ${duration(least)} to ${duration(most)} simulated)`
}

function unrestText(unrest: Unrest): string {
  if (unrest.kind === 'pressure')
    return `Somebody waited for a core ${percent(unrest.share)} of the time; it must be ${percent(unrest.most)} at most`
  return `One timer in ten came ${duration(unrest.lagUs)} late or more, beside the ${duration(unrest.grainUs)} that timers are off by on the idle cluster; at most ${duration(unrest.mostUs)} would let latencies be told apart`
}

function endSentence({ comparison: { agreement } }: TwinRun): string {
  const { requests, sameEnd, sameEngine, miscounted } = agreement
  const lost =
    miscounted.length === 0
      ? 'no token was lost or doubled'
      : `${miscounted.length} were read with another number of tokens than was computed (${miscounted.slice(0, 3).join(', ')})`
  return `Of ${requests} requests ${sameEnd} ended alike with equally many tokens, ${sameEngine} on the same replica; ${lost}.`
}

function decisionSentence({ comparison: { decisions }, takenAgain }: TwinRun): string {
  const { live } = decisions
  const requests = [...live.outcomes.values()].reduce((sum, count) => sum + count, 0)
  return `The live owners divided ${live.rounds} rounds and answered ${requests} requests for memory; ${takenAgain} of the decisions recorded come out the same when the simulator's code takes them again from their inputs.`
}

function quietSentence({ quiet, load, sentLateUs }: TwinRun): string {
  const { lagUs, idleLagUs, cpuPressure, speed } = quiet
  const motion = speed === 1 ? 'real time' : `${significant(speed)} of the modelled speed`
  const pressure =
    cpuPressure === null ? '' : `, somebody waited for a core ${percent(cpuPressure)} of the time`
  return `In ${motion}, at load ${load[0].toFixed(1)} on ${load[1]} cores: timers came ${duration(lagUs.p50)} late in the median, ${duration(lagUs.p90)} at p90 (${duration(idleLagUs.p90)} on the idle cluster)${pressure}; requests were sent at most ${duration(sentLateUs)} late, which latencies do not count.`
}

/** With a sign only where asked for. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

export function signedPercent(share: number | null): string {
  return share === null ? '–' : `${share > 0 ? '+' : share < 0 ? '−' : ''}${percent(Math.abs(share))}`
}
