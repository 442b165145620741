import type { ArrivalsSpec, Scenario } from '@kvasir/contracts'
import type { PlannedRun } from './run.js'

/** A run that has been timed. */
export interface TimedRun {
  readonly run: Pick<PlannedRun, 'cell' | 'scenario'>
  readonly wallMs: number
}

/**
 * Time of `runs` one after the other: of a cell that has been timed its mean, of the others the time a request took in those
 * that were. Undefined while nothing has been timed.
 */
export function estimateWallMs(
  runs: readonly Pick<PlannedRun, 'cell' | 'scenario'>[],
  timed: readonly TimedRun[],
): number | undefined {
  if (timed.length === 0) return undefined
  const cells = new Map<number, { count: number; ms: number }>()
  let ms = 0
  let requests = 0
  for (const { run, wallMs } of timed) {
    const cell = cells.get(run.cell) ?? { count: 0, ms: 0 }
    cells.set(run.cell, { count: cell.count + 1, ms: cell.ms + wallMs })
    ms += wallMs
    requests += expectedRequests(run.scenario)
  }
  return runs.reduce((sum, { cell, scenario }) => {
    const known = cells.get(cell)
    return sum + (known === undefined ? (ms / requests) * expectedRequests(scenario) : known.ms / known.count)
  }, 0)
}

/**
 * Requests of a scenario, roughly: what its generators send in their time. A trace counts as one request a second of the run,
 * since only its file says more; the estimate goes by runs that were timed, so a common factor does no harm.
 */
export function expectedRequests({ workload, durationS, stopAtS }: Scenario): number {
  const endS = Math.min(durationS ?? Infinity, stopAtS ?? Infinity)
  const scale = workload.rateScale ?? 1
  const generated = workload.generators.reduce((sum, { arrivals, requests, startS, endS: ownEndS }) => {
    const spanS = Math.max(0, Math.min(endS, ownEndS ?? Infinity) - startS)
    const byRate = Number.isFinite(spanS) ? meanRatePerS(arrivals) * scale * spanS : Infinity
    return sum + Math.min(requests ?? Infinity, byRate)
  }, 0)
  const traced = workload.traces.length * (Number.isFinite(endS) ? endS : 1) * scale
  const all = Math.min(workload.requests ?? Infinity, generated + traced)
  return Number.isFinite(all) && all > 0 ? all : 1
}

function meanRatePerS(spec: ArrivalsSpec): number {
  switch (spec.kind) {
    case 'mmpp': {
      const stayS = spec.states.reduce((sum, state) => sum + state.meanStayS, 0)
      return spec.states.reduce((sum, state) => sum + state.ratePerS * state.meanStayS, 0) / stayS
    }
    case 'curve':
      return spec.points.reduce((sum, point) => sum + point.ratePerS, 0) / spec.points.length
    case 'closed-loop':
      return spec.users
    case 'replay':
      return spec.rateScale
    default:
      return spec.ratePerS
  }
}
