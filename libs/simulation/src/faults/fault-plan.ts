import type { FaultSpec } from '@kvasir/contracts'
import { type Micros, MICROS_PER_SECOND, secondsToMicros } from '@kvasir/kernel'
import type { EnginePlan, PoolPlan } from '../cluster-plan.js'

/** At one moment, or at random with this mean time in between. */
export type FaultTiming =
  | { readonly kind: 'at'; readonly atUs: Micros }
  | { readonly kind: 'random'; readonly meanGapUs: Micros }

/** Undefined: drawn from the seed each time. */
export type FaultTarget =
  | { readonly kind: 'all' }
  | { readonly kind: 'named'; readonly id: string }
  | undefined

/** What breaks. Undefined members: see `FaultSpec`. */
export type FaultPlan = { readonly timing: FaultTiming } & (
  | { readonly kind: 'none' }
  | { readonly kind: 'coordinator'; readonly target: FaultTarget; readonly forUs: Micros | undefined }
  | {
      readonly kind: 'engine'
      readonly target: FaultTarget
      readonly restartUs: Micros
      readonly loadUs: Micros | undefined
    }
  | {
      readonly kind: 'group'
      readonly target: FaultTarget
      readonly forUs: Micros | undefined
      readonly loadUs: Micros | undefined
    }
  | { readonly kind: 'store'; readonly forUs: Micros; readonly keepsData: boolean }
)

const SECONDS_PER_HOUR = 3_600

export function faultPlan(spec: FaultSpec): FaultPlan {
  const { atS = 0, ratePerHour } = spec
  const timing: FaultTiming =
    ratePerHour === undefined
      ? { kind: 'at', atUs: secondsToMicros(atS) }
      : { kind: 'random', meanGapUs: Math.round((SECONDS_PER_HOUR * MICROS_PER_SECOND) / ratePerHour) }
  switch (spec.kind) {
    case 'none':
      return { kind: 'none', timing }
    case 'coordinator':
      return { kind: 'coordinator', timing, target: targetOf(spec), forUs: micros(spec.forS) }
    case 'engine': {
      const { restartS, loadS } = spec
      const restartUs = secondsToMicros(restartS)
      return { kind: 'engine', timing, target: targetOf(spec), restartUs, loadUs: micros(loadS) }
    }
    case 'group': {
      const { forS, loadS } = spec
      return { kind: 'group', timing, target: targetOf(spec), forUs: micros(forS), loadUs: micros(loadS) }
    }
    case 'store':
      return { kind: 'store', timing, forUs: secondsToMicros(spec.forS), keepsData: spec.data === 'kept' }
  }
}

function micros(seconds: number | undefined): Micros | undefined {
  return seconds === undefined ? undefined : secondsToMicros(seconds)
}

function targetOf({ target }: { readonly target?: string | undefined }): FaultTarget {
  if (target === undefined) return undefined
  return target === '*' ? { kind: 'all' } : { kind: 'named', id: target }
}

/** What faults cannot be met by the cluster as it was planned, as sentences. */
export function faultProblems(
  faults: readonly FaultSpec[],
  cluster: {
    readonly pools: readonly PoolPlan[]
    readonly engines: readonly EnginePlan[]
  },
): string[] {
  const pools = cluster.pools.map(({ id }) => id)
  const engines = cluster.engines.map(({ id }) => id)
  return faults.flatMap((fault, i) => {
    const path = `faults[${i}]`
    if (fault.kind === 'coordinator') return unknownTarget(path, fault.target, 'a pool', pools)
    if (fault.kind !== 'engine' && fault.kind !== 'group') return []
    return fault.kind === 'engine'
      ? unknownTarget(path, fault.target, 'an engine', engines)
      : unknownTarget(path, fault.target, 'a pool', pools)
  })
}

function unknownTarget(
  path: string,
  target: string | undefined,
  what: string,
  known: readonly string[],
): string[] {
  if (target === undefined || target === '*' || known.includes(target)) return []
  return [`${path}.target is "${target}"; it must be ${what} of the cluster (${known.join(', ')}), or *`]
}
