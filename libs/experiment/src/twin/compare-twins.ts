import type { Distribution } from '@kvasir/contracts'
import { SampleSet, type SloLimits, SloTally, summarise } from '@kvasir/metrics'
import { type DecisionTally, tallyDecisions } from './decision-tally.js'
import {
  pairsOf,
  tpotUsOf,
  twinLatencies,
  type TwinLatencyName,
  twinLatencyNames,
  type TwinPair,
  type TwinRequest,
  type TwinSide,
} from './twin-run.js'

/** The sides of a comparison. */
export interface TwinSides {
  readonly live: TwinSide
  /** With the measured costs of the live path. */
  readonly simulated: TwinSide
  /** Without: arithmetic and queueing alone. */
  readonly bare: TwinSide
  /** With costs and moments that could have been measured as well: what the simulation itself depends on. */
  readonly varied: readonly TwinSide[]
}

export const twinQuantiles = ['p50', 'p90', 'p99'] as const
export type ByQuantile<T> = Readonly<Record<(typeof twinQuantiles)[number], T>>

/** One latency of one model. */
export interface TwinLatency {
  readonly model: string
  readonly name: TwinLatencyName
  readonly live: Distribution
  readonly simulated: Distribution
  readonly bare: Distribution
  /** Live over simulated less one, where both have it; null where either has none. */
  readonly gap: ByQuantile<number | null>
  /** What the varied simulations and the simulated one have, from least to most; null where none has it. */
  readonly range: ByQuantile<readonly [number, number] | null>
  /** By how much live lies outside of that range, as a share of simulated; 0 within it. */
  readonly beyond: ByQuantile<number | null>
  readonly paired: PairedGap
}

/** Differences of single requests as shares of what was simulated. */
export interface PairedGap {
  readonly pairs: number
  /** Null without pairs, as the next. */
  readonly median: number | null
  /** Without sign; nine of ten requests differ by less. */
  readonly p90: number | null
}

/** What became of one model's requests. */
export interface TwinModel {
  readonly model: string
  readonly live: TwinOutcome
  readonly simulated: TwinOutcome
}

export interface TwinOutcome {
  readonly requests: number
  readonly finished: number
  /** By reason, in order of first occurrence. */
  readonly failed: ReadonlyMap<string, number>
  readonly outputTokens: number
  /** Null without SLOs. */
  readonly sloAttainment: number | null
}

/** Whether both sides did the same, request by request. */
export interface TwinAgreement {
  readonly requests: number
  /** Served by the same replica on both sides. */
  readonly sameEngine: number
  /** Ended alike, with equally many tokens. */
  readonly sameEnd: number
  /** Finished live with another number of tokens than was computed: none may be lost or doubled. */
  readonly miscounted: readonly string[]
}

export interface TwinComparison {
  readonly models: readonly TwinModel[]
  readonly latencies: readonly TwinLatency[]
  readonly agreement: TwinAgreement
  readonly decisions: { readonly live: DecisionTally; readonly simulated: DecisionTally }
}

/** @param limits SLOs by model; the models are compared in this order. */
export function compareTwins(sides: TwinSides, limits: ReadonlyMap<string, SloLimits>): TwinComparison {
  const { live, simulated, bare, varied } = sides
  const pairs = pairsOf(live.requests, simulated.requests)
  const models = [...limits.keys()]
  return {
    models: [...limits].map(([model, slo]) => ({
      model,
      live: outcomeOf(of(model, live), slo),
      simulated: outcomeOf(of(model, simulated), slo),
    })),
    latencies: models.flatMap((model) =>
      twinLatencyNames.map((name) =>
        latencyOf(model, name, {
          live: of(model, live),
          simulated: of(model, simulated),
          bare: of(model, bare),
          varied: varied.map((side) => of(model, side)),
        }),
      ),
    ),
    agreement: agreementOf(pairs),
    decisions: { live: tallyDecisions(live.decisions), simulated: tallyDecisions(simulated.decisions) },
  }
}

function of(model: string, { requests }: TwinSide): readonly TwinRequest[] {
  return requests.filter((request) => request.model === model)
}

function outcomeOf(requests: readonly TwinRequest[], limits: SloLimits): TwinOutcome {
  const slo = new SloTally(limits)
  const failed = new Map<string, number>()
  let outputTokens = 0
  for (const request of requests) {
    const { end } = request
    if (end.kind === 'failed') {
      slo.missed()
      failed.set(end.reason, (failed.get(end.reason) ?? 0) + 1)
      continue
    }
    slo.finished({ ttftUs: end.ttftUs, tpotUs: tpotUsOf(request), e2eUs: end.e2eUs })
    outputTokens += end.tokens
  }
  const missed = [...failed.values()].reduce((sum, count) => sum + count, 0)
  return {
    requests: requests.length,
    finished: requests.length - missed,
    failed,
    outputTokens,
    sloAttainment: slo.attainment() ?? null,
  }
}

interface Requests extends Readonly<Record<'live' | 'simulated' | 'bare', readonly TwinRequest[]>> {
  readonly varied: readonly (readonly TwinRequest[])[]
}

function latencyOf(model: string, name: TwinLatencyName, requests: Requests): TwinLatency {
  const live = distributionOf(requests.live, name)
  const simulated = distributionOf(requests.simulated, name)
  const varied = [simulated, ...requests.varied.map((side) => distributionOf(side, name))]
  const range = byQuantile((quantile) => rangeOf(varied.map((side) => side[quantile])))
  return {
    model,
    name,
    live,
    simulated,
    bare: distributionOf(requests.bare, name),
    gap: byQuantile((quantile) => shareOf(live[quantile], simulated[quantile])),
    range,
    beyond: byQuantile((quantile) => beyond(live[quantile], range[quantile], simulated[quantile])),
    paired: pairedGap(pairsOf(requests.live, requests.simulated), name),
  }
}

function distributionOf(requests: readonly TwinRequest[], name: TwinLatencyName): Distribution {
  const samples = new SampleSet()
  for (const request of requests) {
    const value = twinLatencies[name](request)
    if (value !== undefined) samples.add(value)
  }
  return summarise(samples)
}

function byQuantile<T>(of: (quantile: keyof ByQuantile<T>) => T): ByQuantile<T> {
  return { p50: of('p50'), p90: of('p90'), p99: of('p99') }
}

function rangeOf(values: readonly (number | null)[]): readonly [number, number] | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : [Math.min(...known), Math.max(...known)]
}

function beyond(
  value: number | null,
  range: readonly [number, number] | null,
  base: number | null,
): number | null {
  if (value === null || range === null || base === null || base === 0) return null
  return (value - Math.min(Math.max(value, range[0]), range[1])) / base
}

/** By how much of `base` a value is larger; null where either is missing, or the base is 0. */
function shareOf(value: number | null, base: number | null): number | null {
  return value === null || base === null || base === 0 ? null : value / base - 1
}

function pairedGap(pairs: readonly TwinPair[], name: TwinLatencyName): PairedGap {
  const shares = new SampleSet()
  const sizes = new SampleSet()
  for (const { live, simulated } of pairs) {
    const share = shareOf(twinLatencies[name](live) ?? null, twinLatencies[name](simulated) ?? null)
    if (share === null) continue
    shares.add(share)
    sizes.add(Math.abs(share))
  }
  return {
    pairs: shares.count,
    median: shares.percentile(50) ?? null,
    p90: sizes.percentile(90) ?? null,
  }
}

function agreementOf(pairs: readonly TwinPair[]): TwinAgreement {
  return {
    requests: pairs.length,
    sameEngine: pairs.filter(({ live, simulated }) => live.engine === simulated.engine).length,
    sameEnd: pairs.filter(isSameEnd).length,
    miscounted: pairs.flatMap(({ live: { id, end } }) =>
      end.kind === 'finished' && end.tokens !== end.received ? [id] : [],
    ),
  }
}

function isSameEnd({ live: { end }, simulated: { end: twin } }: TwinPair): boolean {
  if (end.kind === 'finished' && twin.kind === 'finished') return end.tokens === twin.tokens
  return end.kind === 'failed' && twin.kind === 'failed' && end.reason === twin.reason
}
