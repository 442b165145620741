import type { SeededRng } from '@kvasir/kernel'
import { SampleSet } from '@kvasir/metrics'
import { type TwinLatencyName, twinLatencies, type TwinPair } from './twin-run.js'

/**
 * What the way to a live engine and back takes beside the modelled arithmetic, microseconds of the scenario: measured on an idle
 * cluster, one request at a time and several at once, against the simulation of the same requests.
 */
export interface PathCost {
  readonly model: string
  /** Between two steps: round trips to the group, tokens on their way. */
  readonly stepUs: number
  /** And for each further sequence of a step. */
  readonly sequenceUs: number
  /** Once a request, before its first token: HTTP, gateway, text to tokens. */
  readonly frontEndUs: number
  /** Of that, the gateway's; null when no engine could be asked directly. */
  readonly gatewayUs: number | null
  /** Requests that were measured one at a time. */
  readonly requests: number
  /** How far apart the quartiles of what was measured are: what the machine itself is unsteady by. */
  readonly spread: { readonly stepUs: number; readonly frontEndUs: number }
}

/** Costs that could have been measured as well: each somewhere between its quartiles. */
export function variedCosts(costs: readonly PathCost[], rng: SeededRng): readonly PathCost[] {
  const varied = (us: number, spreadUs: number) => Math.max(0, us + spreadUs * (rng.uniform() - 0.5))
  return costs.map((cost) => ({
    ...cost,
    stepUs: varied(cost.stepUs, cost.spread.stepUs),
    frontEndUs: varied(cost.frontEndUs, cost.spread.frontEndUs),
  }))
}

/** Median of live less simulated; undefined without pairs that have this latency. */
export function medianGapUs(pairs: readonly TwinPair[], name: TwinLatencyName): number | undefined {
  return gapsOf(pairs, name).percentile(50)
}

/** Distance of the quartiles of live less simulated; 0 without pairs. */
export function gapSpreadUs(pairs: readonly TwinPair[], name: TwinLatencyName): number {
  const gaps = gapsOf(pairs, name)
  return (gaps.percentile(75) ?? 0) - (gaps.percentile(25) ?? 0)
}

function gapsOf(pairs: readonly TwinPair[], name: TwinLatencyName): SampleSet {
  const gaps = new SampleSet()
  for (const { live, simulated } of pairs) {
    const [real, modelled] = [twinLatencies[name](live), twinLatencies[name](simulated)]
    if (real !== undefined && modelled !== undefined) gaps.add(real - modelled)
  }
  return gaps
}

/**
 * A step's overhead with one sequence and what each further one adds, from those with one and with `together` of them. A live step is
 * never shorter than its arithmetic: below 0 it is noise, and taken for 0.
 */
export function stepCosts(
  { aloneUs, togetherUs }: { readonly aloneUs: number; readonly togetherUs: number },
  together: number,
): { readonly stepUs: number; readonly sequenceUs: number } {
  const stepUs = Math.max(0, aloneUs)
  const sequenceUs = together < 2 ? 0 : Math.max(0, (togetherUs - stepUs) / (together - 1))
  return { stepUs, sequenceUs }
}
