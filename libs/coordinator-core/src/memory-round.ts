import { divide, type Division, type DivisionInput } from '@kvasir/allocation'
import { isHeard, type Member } from './member.js'
import type { RoundEngine, RoundInput } from './round-input.js'

/** Where a pool's bundles should go: entitlements, and moves of what nobody uses. */
export interface MemoryRound {
  /** Weighted max-min share of the pool for what each engine demands, in the order of the members. */
  readonly entitlements: readonly number[]
  /** Bundles to take from each engine's unused lease, and to grant from what is free. */
  readonly reclaims: readonly number[]
  readonly grants: readonly number[]
}

/** Smallest lease an idle engine is left with, so that its first request waits for nobody. */
const WAKE_UP_BUNDLES = 2

/** Part of what is lent ahead that goes by use. All of it by weight, or nearly all by use, made engines ask more (docs/adr/0023). */
const LENT_BY_USE = 0.5

/**
 * Divides a pool's bundles by the same solver as tokens. Unused memory moves at once, in both directions; memory in use is
 * left to the broker. What is not entitled to anybody is lent ahead by weight and use, so that most growth asks nobody.
 */
export function divideMemory(round: RoundInput): MemoryRound {
  const { engines, bundles, settings, free } = round
  const division = divide(memoryClaims(round))
  const entitlements = division.amounts
  const reserve = Math.floor(settings.reserveShare * bundles)
  const lent = lentAhead(round, division)
  const targets: number[] = []
  const grants: number[] = []
  // First what is entitled.
  let left = free
  for (let i = 0; i < engines.length; i++) {
    targets.push(entitlements[i] + Math.floor(lentAfterReserve(lent[i], reserve, engines.length)))
    const granted = Math.min(left, lackOf(engines[i], entitlements[i]))
    left -= granted
    grants.push(granted)
  }
  // Then what is lent ahead; the reserve is spent on entitlements alone.
  left = Math.max(0, left - reserve)
  let wanted = 0
  for (let i = 0; i < engines.length; i++) {
    const granted = Math.min(left, Math.max(0, lackOf(engines[i], targets[i]) - grants[i]))
    left -= granted
    grants[i] += granted
    // What is only lent is evened out too, but not for a little: targets move with every round's demand.
    const wellShort = lackOf(engines[i], Math.floor(targets[i] * (1 - settings.deadZone)))
    wanted += Math.max(0, Math.max(lackOf(engines[i], entitlements[i]), wellShort) - grants[i])
  }
  return { entitlements, reclaims: takeUnused(engines, targets, wanted), grants }
}

/** Bundles to a goal: only what is certainly there to use them is given more. */
function lackOf({ liveness, leasedBundles }: RoundEngine, goal: number): number {
  return liveness === 'live' ? Math.max(0, goal - leasedBundles) : 0
}

/** What each engine claims of the pool's bundles. */
export function memoryClaims({ engines, bundles, quarantined, settings }: RoundInput): DivisionInput {
  return {
    capacity: bundles - quarantined,
    claims: engines.map((engine) => ({
      id: engine.engine,
      weight: engine.terms.weight,
      guarantee: guaranteeBundles(engine, bundles),
      limit: limitBundles(engine, bundles),
      demand: Math.max(WAKE_UP_BUNDLES, engine.demandBundles, engine.inUseBundles),
      health: isHeard(engine) ? 'healthy' : 'dead',
    })),
    maxShare: settings.maxShare,
  }
}

/** Whose terms they are. */
type Holder = Pick<Member | RoundEngine, 'terms'>

export function guaranteeBundles(holder: Holder, bundles: number): number {
  return Math.min(limitBundles(holder, bundles), Math.floor(holder.terms.guarantee * bundles))
}

export function limitBundles({ terms }: Holder, bundles: number): number {
  return Math.max(1, Math.floor(terms.limit * bundles))
}

/** Who uses much needs more of a sudden than who uses little; one that is idle must have something to begin with. */
function lentAhead(
  { engines, bundles, settings }: RoundInput,
  { amounts, lent }: Division,
): readonly number[] {
  let spare = 0
  let used = 0
  for (let i = 0; i < engines.length; i++) {
    spare += lent[i]
    used += engines[i].terms.weight * amounts[i]
  }
  if (used === 0) return lent
  return engines.map((engine, i) => {
    const most = Math.min(limitBundles(engine, bundles), settings.maxShare * bundles)
    const use = (engine.terms.weight * amounts[i]) / used
    const wanted = (1 - LENT_BY_USE) * lent[i] + LENT_BY_USE * spare * use
    return Math.min(wanted, most - amounts[i])
  })
}

/** What is lent leaves the pool's reserve alone. */
function lentAfterReserve(lent: number, reserve: number, engines: number): number {
  return Math.max(0, lent - reserve / Math.max(1, engines))
}

/**
 * Unused bundles above their holders' targets, largest excess first, up to what others are entitled to and lack. What a
 * holder still needs for its queue is left to requests: else the round would take what a request has just brought.
 */
function takeUnused(engines: readonly RoundEngine[], targets: readonly number[], wanted: number): number[] {
  const reclaims = engines.map(() => 0)
  if (wanted <= 0) return reclaims
  const excess = engines.map((engine, i) => {
    const needed = Math.max(targets[i], engine.inUseBundles, engine.demandBundles)
    return engine.liveness === 'live' ? Math.max(0, engine.leasedBundles - needed) : 0
  })
  const order = engines.map((_, i) => i).sort((a, b) => excess[b] - excess[a] || a - b)
  let left = wanted
  for (const i of order) {
    reclaims[i] = Math.min(left, excess[i])
    left -= reclaims[i]
  }
  return reclaims
}
