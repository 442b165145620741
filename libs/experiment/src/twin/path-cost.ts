import type { SeededRng } from '@kvasir/kernel'
import { SampleSet } from '@kvasir/metrics'
import { type TwinLatencyName, twinLatencies, type TwinPair } from './twin-run.js'

/**
 * What the way to a live engine and back takes beside the modelled arithmetic, microseconds of the scenario: measured on an idle
 * cluster, one request at a time and several at once against the simulation of the same requests, and its groups by themselves.
 */
export interface PathCost {
  readonly model: string
  /** Between two steps of an engine alone: words to its group and back, its own work. */
  readonly stepUs: number
  /** Of that, words to its group and back; null where no group could be asked: then all of it is taken for the way. */
  readonly wayUs: number | null
  /** And for each further sequence of a step. */
  readonly sequenceUs: number
  /** Once a request, before its first token: HTTP, gateway, text to tokens. */
  readonly frontEndUs: number
  /** Of that, the gateway's; null when no engine could be asked directly. */
  readonly gatewayUs: number | null
  /** Requests that were measured one at a time. */
  readonly requests: number
  /** How far apart the quartiles of what was measured are: what the machine itself is unsteady by. */
  readonly spread: { readonly stepUs: number; readonly wayUs: number; readonly frontEndUs: number }
}

/** Of a step's overhead: the engine's own work, tokens on their way out and planning. The group may compute for another engine meanwhile. */
export function ownWorkUs({ stepUs, wayUs }: Pick<PathCost, 'stepUs' | 'wayUs'>): number {
  return wayUs === null ? 0 : Math.max(0, stepUs - wayUs)
}

/** Costs that could have been measured as well: each somewhere between its quartiles. */
export function variedCosts(costs: readonly PathCost[], rng: SeededRng): readonly PathCost[] {
  const varied = (us: number, spreadUs: number) => Math.max(0, us + spreadUs * (rng.uniform() - 0.5))
  return costs.map((cost) => {
    const stepUs = varied(cost.stepUs, cost.spread.stepUs)
    const frontEndUs = varied(cost.frontEndUs, cost.spread.frontEndUs)
    const wayUs = cost.wayUs === null ? null : varied(cost.wayUs, cost.spread.wayUs)
    return { ...cost, stepUs, wayUs, frontEndUs }
  })
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
