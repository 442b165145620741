import { setTimeout as sleep } from 'node:timers/promises'
import type { Scenario } from '@kvasir/contracts'
import {
  gapSpreadUs,
  medianGapUs,
  type PathCost,
  pairsOf,
  stepCosts,
  type TwinRequest,
} from '@kvasir/experiment'
import { SampleSet } from '@kvasir/metrics'
import type { RequestRecord } from '@kvasir/workload'
import { ClusterTrouble } from '../live/cluster-trouble.js'
import { type LivePlace, playOne, STOPPED } from './play-side.js'
import { type ProbedGroup, probeWay } from './probe-group.js'
import { simulateSide } from './simulate-side.js'
import { type CalibrationPlan, calibrationRequests } from './twin-requests.js'
import { planOf, scenarioWithPath } from './twin-scenario.js'

/** Between two requests of an idle cluster, real ms: what the last one left behind is over. */
const PAUSE_MS = 20

/** Prompts are made of ids: what was asked before would be in the prefix cache. */
export type Occasion = 'before' | 'after'

export interface CalibrationPlace {
  readonly occasion: Occasion
  readonly gateway: LivePlace
  /** An engine of a model, to ask without the gateway; undefined where none has said yet where it is. */
  engineUrl(model: string): Promise<string | undefined>
  /** A group on which a model is served; undefined where nobody says where groups are. */
  groupOf(model: string): ProbedGroup | undefined
}

/** What was seen of one model on the idle cluster. */
export interface Measured {
  readonly plan: CalibrationPlan
  readonly alone: readonly TwinRequest[]
  readonly together: readonly TwinRequest[]
  /** Without the gateway; empty where no engine is known. */
  readonly direct: readonly TwinRequest[]
  /** Words to its group and back, microseconds of the scenario; empty where no group is known. */
  readonly waysUs: readonly number[]
}

/**
 * Asks the idle cluster: requests of each model one at a time and several at once, and its group by itself for so many `steps`.
 * @throws {ClusterTrouble} when one of them fails.
 */
export async function measurePath(
  place: CalibrationPlace,
  plans: readonly CalibrationPlan[],
  steps: number,
): Promise<readonly Measured[]> {
  const measured: Measured[] = []
  for (const plan of plans) measured.push(await measure(place, plan, steps))
  return measured
}

/** All that was seen of the same requests at one time and at another. */
export function bothMeasured(one: readonly Measured[], other: readonly Measured[]): readonly Measured[] {
  return one.map((model, i) => ({
    plan: model.plan,
    alone: [...model.alone, ...other[i].alone],
    together: [...model.together, ...other[i].together],
    direct: [...model.direct, ...other[i].direct],
    waysUs: [...model.waysUs, ...other[i].waysUs],
  }))
}

/**
 * What the live path takes beside arithmetic. First what a step takes, by the time per token against the simulation of the very same; the
 * way is part of it as measured. Then the front end, as what is left before the first token.
 * @param measured of every model, in the order in which they were asked.
 */
export function pathCostsOf(measured: readonly Measured[], bare: Scenario): readonly PathCost[] {
  const requests = calibrationRequests(measured.map(({ plan }) => plan))
  const twins = simulated(requests, bare)
  const costs = measured.map((one) => stepCost(one, twins))
  return withFrontEnds(measured, costs, simulated(requests, scenarioWithPath(bare, costs)))
}

async function measure(
  { occasion, gateway, engineUrl, groupOf }: CalibrationPlace,
  plan: CalibrationPlan,
  steps: number,
): Promise<Measured> {
  const through = { ...gateway, asked: occasion }
  await oneByOne(through, plan.warm)
  const alone = await oneByOne(through, plan.alone)
  const url = await engineUrl(plan.model)
  const past = { ...gateway, asked: `${occasion}-directly` }
  const direct = url === undefined ? [] : await oneByOne({ ...past, url }, plan.alone)
  const together = await Promise.all(plan.together.map((request) => finished(through, request)))
  const group = groupOf(plan.model)
  const waysUs = group === undefined ? [] : await probeWay(group, steps)
  return { plan, alone, together, direct, waysUs: waysUs.map((us) => us * gateway.speed) }
}

/** Where and under which name requests are asked. */
interface Asking extends LivePlace {
  readonly asked: string
}

async function oneByOne(place: Asking, requests: readonly RequestRecord[]): Promise<readonly TwinRequest[]> {
  const seen: TwinRequest[] = []
  for (const request of requests) {
    seen.push(await finished(place, request))
    await sleep(PAUSE_MS)
  }
  return seen
}

async function finished(place: Asking, request: RequestRecord): Promise<TwinRequest> {
  const seen = await playOne(place, { ...request, id: `${place.asked}-${request.id}` })
  if (seen.end.kind === 'finished') return { ...seen, id: request.id }
  if (place.signal.aborted) throw new ClusterTrouble(STOPPED)
  throw new ClusterTrouble(
    `request ${request.id} of ${request.model} at ${place.url} ended with ${seen.end.reason} on an idle cluster; its log says why`,
  )
}

function simulated(requests: readonly RequestRecord[], scenario: Scenario): readonly TwinRequest[] {
  return simulateSide(planOf(scenario), requests, { beginUs: 0, untilUs: undefined }).requests
}

function stepCost(
  { plan, alone, together, direct, waysUs }: Measured,
  twins: readonly TwinRequest[],
): PathCost {
  const pairs = pairsOf(alone, twins)
  const aloneUs = medianGapUs(pairs, 'TPOT') ?? 0
  const togetherUs = medianGapUs(pairsOf(together, twins), 'TPOT') ?? 0
  const through = medianTtft(alone)
  const without = medianTtft(direct)
  const ways = setOf(waysUs)
  return {
    model: plan.model,
    ...stepCosts({ aloneUs, togetherUs }, sequencesOf(plan, together)),
    wayUs: ways.percentile(50) ?? null,
    frontEndUs: 0,
    gatewayUs: through === undefined || without === undefined ? null : through - without,
    requests: alone.length,
    spread: {
      stepUs: gapSpreadUs(pairs, 'TPOT'),
      wayUs: (ways.percentile(75) ?? 0) - (ways.percentile(25) ?? 0),
      frontEndUs: gapSpreadUs(pairs, 'TTFT'),
    },
  }
}

/** In a step of requests that were sent at once, each time: replicas divide them. */
function sequencesOf(plan: CalibrationPlan, together: readonly TwinRequest[]): number {
  const byEngine = new Map<string | undefined, number>()
  for (const { engine } of together) byEngine.set(engine, (byEngine.get(engine) ?? 0) + 1)
  const times = together.length / Math.max(1, plan.together.length)
  return Math.max(0, ...byEngine.values()) / Math.max(1, times)
}

/** @param twins simulated with steps that take what they take. */
function withFrontEnds(
  measured: readonly Measured[],
  costs: readonly PathCost[],
  twins: readonly TwinRequest[],
): readonly PathCost[] {
  return measured.map(({ alone }, i) => ({
    ...costs[i],
    frontEndUs: Math.max(0, medianGapUs(pairsOf(alone, twins), 'TTFT') ?? 0),
  }))
}

function medianTtft(requests: readonly TwinRequest[]): number | undefined {
  return setOf(requests.flatMap(({ end }) => (end.kind === 'finished' ? [end.ttftUs] : []))).percentile(50)
}

function setOf(values: readonly number[]): SampleSet {
  const set = new SampleSet()
  for (const value of values) set.add(value)
  return set
}
