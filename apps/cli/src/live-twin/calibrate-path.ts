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
import { simulateSide } from './simulate-side.js'
import { type CalibrationPlan, calibrationRequests } from './twin-requests.js'
import { planOf, scenarioWithPath } from './twin-scenario.js'

/** Between two requests of an idle cluster, real ms: what the last one left behind is over. */
const PAUSE_MS = 20

export interface CalibrationPlace {
  readonly gateway: LivePlace
  /** An engine of a model, to ask without the gateway; undefined where none has said yet where it is. */
  engineUrl(model: string): Promise<string | undefined>
}

/**
 * Measures what the live path takes beside arithmetic, on the idle cluster: requests one at a time and several at once, against the
 * simulation of the very same.
 * @throws {ClusterTrouble} when one of them fails.
 */
export async function calibratePath(
  place: CalibrationPlace,
  plans: readonly CalibrationPlan[],
  bare: Scenario,
): Promise<readonly PathCost[]> {
  const asked: Asked[] = []
  for (const plan of plans) asked.push(await ask(place, plan))
  return pathCostsOf(asked, bare)
}

/**
 * First what a step takes, by the time per token; then the front end, as what is left before the first token.
 * @param asked of every model, in the order in which they were asked.
 */
export function pathCostsOf(asked: readonly Asked[], bare: Scenario): readonly PathCost[] {
  const requests = calibrationRequests(asked.map(({ plan }) => plan))
  const twins = simulated(requests, bare)
  const costs = asked.map((one) => stepCost(one, twins))
  return withFrontEnds(asked, costs, simulated(requests, scenarioWithPath(bare, costs)))
}

/** What was seen of one model's requests. */
export interface Asked {
  readonly plan: CalibrationPlan
  readonly alone: readonly TwinRequest[]
  readonly together: readonly TwinRequest[]
  /** Without the gateway; empty where no engine is known. */
  readonly direct: readonly TwinRequest[]
}

async function ask({ gateway, engineUrl }: CalibrationPlace, plan: CalibrationPlan): Promise<Asked> {
  await oneByOne(gateway, plan.warm)
  const alone = await oneByOne(gateway, plan.alone)
  const url = await engineUrl(plan.model)
  const direct =
    url === undefined
      ? []
      : await oneByOne(
          { ...gateway, url },
          plan.alone.map((request) => ({ ...request, id: `d${request.id}` })),
        )
  const together = await Promise.all(plan.together.map((request) => finished(gateway, request)))
  return { plan, alone, together, direct }
}

async function oneByOne(
  place: LivePlace,
  requests: readonly RequestRecord[],
): Promise<readonly TwinRequest[]> {
  const seen: TwinRequest[] = []
  for (const request of requests) {
    seen.push(await finished(place, request))
    await sleep(PAUSE_MS)
  }
  return seen
}

async function finished(place: LivePlace, request: RequestRecord): Promise<TwinRequest> {
  const seen = await playOne(place, request)
  if (seen.end.kind === 'finished') return seen
  if (place.signal.aborted) throw new ClusterTrouble(STOPPED)
  throw new ClusterTrouble(
    `request ${request.id} of ${request.model} at ${place.url} ended with ${seen.end.reason} on an idle cluster; its log says why`,
  )
}

function simulated(requests: readonly RequestRecord[], scenario: Scenario): readonly TwinRequest[] {
  return simulateSide(planOf(scenario), requests, { beginUs: 0, untilUs: undefined }).requests
}

function stepCost({ plan, alone, together, direct }: Asked, twins: readonly TwinRequest[]): PathCost {
  const pairs = pairsOf(alone, twins)
  const aloneUs = medianGapUs(pairs, 'TPOT') ?? 0
  const togetherUs = medianGapUs(pairsOf(together, twins), 'TPOT') ?? 0
  const through = medianTtft(alone)
  const without = medianTtft(direct)
  return {
    model: plan.model,
    ...stepCosts({ aloneUs, togetherUs }, together.length),
    frontEndUs: 0,
    gatewayUs: through === undefined || without === undefined ? null : through - without,
    requests: alone.length,
    spread: { stepUs: gapSpreadUs(pairs, 'TPOT'), frontEndUs: gapSpreadUs(pairs, 'TTFT') },
  }
}

/** @param twins simulated with steps that take what they take. */
function withFrontEnds(
  asked: readonly Asked[],
  costs: readonly PathCost[],
  twins: readonly TwinRequest[],
): readonly PathCost[] {
  return asked.map(({ alone }, i) => ({
    ...costs[i],
    frontEndUs: Math.max(0, medianGapUs(pairsOf(alone, twins), 'TTFT') ?? 0),
  }))
}

function medianTtft(requests: readonly TwinRequest[]): number | undefined {
  const times = new SampleSet()
  for (const { end } of requests) if (end.kind === 'finished') times.add(end.ttftUs)
  return times.percentile(50)
}
