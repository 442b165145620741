import type { Scenario } from '@kvasir/contracts'
import { type Micros, secondsToMicros, type SeededRng } from '@kvasir/kernel'
import { requestsOf } from '@kvasir/simulation'
import { defaultModelMap, type RequestRecord, type RequestStream } from '@kvasir/workload'
import { BadInput } from '../bad-input.js'
import { openTraces, prepareWorkload } from '../simulate/prepare-workload.js'

/** More than these are hours of real time. */
const REQUESTS_MOST = 100_000

/**
 * All requests of a scenario, in order of arrival: what both sides are asked. A client allows no more than it will get, for a live
 * engine goes on as long as it may.
 * @throws {BadInput} for whatever is wrong with the workload's files, or when there are none or too many.
 */
export async function twinRequests(scenario: Scenario, folder: string): Promise<readonly RequestRecord[]> {
  const resolved = { scenario, folder, table: defaultModelMap, facts: new Map(), byDemand: false }
  const workload = await prepareWorkload(resolved, { skipBadLines: false })
  const traces = openTraces(workload.traces)
  await Promise.all(traces.map((trace) => trace.fill(Infinity)))
  const sources = workload.traces.map(({ spec, routing }, i) => ({ spec, routing, stream: traces[i] }))
  const stream = requestsOf(scenario, sources, workload.files)
  const requests: RequestRecord[] = []
  for (let next = stream.next(); next !== undefined; next = stream.next()) {
    if (requests.push({ ...next, maxOutputTokens: next.outputTokens }) > REQUESTS_MOST)
      throw new BadInput(
        `the workload has more than ${REQUESTS_MOST} requests; durationS or workload.requests must be smaller: they are played in real time`,
      )
  }
  if (requests.length === 0)
    throw new BadInput('the workload has no requests; durationS or a rate must be larger')
  return requests
}

/** Requests as a stream that is pulled. */
export function streamOf(requests: readonly RequestRecord[]): RequestStream {
  let at = 0
  return { next: () => requests[at++] }
}

/** What one model's engines are asked on the idle cluster. */
export interface CalibrationPlan {
  readonly model: string
  /** The first are not counted: programs are compiled while they run. */
  readonly warm: readonly RequestRecord[]
  readonly alone: readonly RequestRecord[]
  /** All at once. */
  readonly together: readonly RequestRecord[]
}

export interface CalibrationSize {
  readonly warm: number
  readonly alone: number
  readonly together: number
  readonly outputTokens: number
  /** Steps of each group by itself. */
  readonly steps: number
}

/** Far enough apart that each finds an idle cluster, and owners that have heard of it. */
const APART_US = secondsToMicros(3)

/** Idle requests for each model, as long as its median prompt; on the clock they come one after the other, the last ones at once. */
export function calibrationOf(
  requests: readonly RequestRecord[],
  models: readonly string[],
  size: Omit<CalibrationSize, 'steps'>,
): readonly CalibrationPlan[] {
  let atUs: Micros = 0
  const next = () => (atUs += APART_US)
  return models.flatMap((model, m) => {
    const prompts = requests.flatMap((request) => (request.model === model ? [request.promptTokens] : []))
    if (prompts.length === 0) return []
    const promptTokens = prompts.sort((a, b) => a - b)[prompts.length >> 1]
    const request = (name: string, i: number, arrivalUs: Micros): RequestRecord => ({
      // No generator or trace names its requests so.
      id: `idle-${name}${m}-${i}`,
      arrivalUs,
      model,
      promptTokens,
      outputTokens: size.outputTokens,
      maxOutputTokens: size.outputTokens,
      priority: 0,
      tenant: undefined,
      deadlineUs: undefined,
      session: undefined,
      prefixBlocks: undefined,
      prefixBlockTokens: 0,
    })
    const several = (name: string, count: number, when: () => Micros) =>
      Array.from({ length: count }, (_, i) => request(name, i, when()))
    const warm = several('w', size.warm, next)
    const alone = several('a', size.alone, next)
    const at = next()
    return [{ model, warm, alone, together: several('g', size.together, () => at) }]
  })
}

/** All of them, in order of arrival. */
export function calibrationRequests(plans: readonly CalibrationPlan[]): readonly RequestRecord[] {
  return plans.flatMap(({ warm, alone, together }) => [...warm, ...alone, ...together])
}

/** The scenario's requests after those that were measured: a cluster that has worked knows how fast it is. */
export function afterCalibration(
  plans: readonly CalibrationPlan[],
  requests: readonly RequestRecord[],
): { readonly all: readonly RequestRecord[]; readonly beginUs: Micros } {
  const first = calibrationRequests(plans)
  const beginUs = (first.at(-1)?.arrivalUs ?? 0) + APART_US
  const later = requests.map((request) => ({
    ...request,
    arrivalUs: request.arrivalUs + beginUs,
    deadlineUs: request.deadlineUs === undefined ? undefined : request.deadlineUs + beginUs,
  }))
  return { all: [...first, ...later], beginUs }
}

/** The same requests, each a little later, up to `mostUs`, in order of arrival. */
export function sentLate(
  requests: readonly RequestRecord[],
  rng: SeededRng,
  mostUs: Micros,
): readonly RequestRecord[] {
  return requests
    .map((request) => ({ ...request, arrivalUs: request.arrivalUs + Math.round(mostUs * rng.uniform()) }))
    .sort((a, b) => a.arrivalUs - b.arrivalUs)
}
