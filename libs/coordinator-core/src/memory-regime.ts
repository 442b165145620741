import { divide } from '@kvasir/allocation'
import type { EngineTerms, PolicyName, PoolSettings } from '@kvasir/contracts'
import { compareIds, type Micros } from '@kvasir/kernel'
import type { Ledger } from '@kvasir/reclaim'
import type { Broker } from './broker.js'
import { demandTokens, type Member } from './member.js'
import { guaranteeBundles, limitBundles, type MemoryRound } from './memory-round.js'

export interface MemoryMove {
  readonly now: Micros
  /** Sorted by engine id. */
  readonly members: readonly Member[]
  readonly division: MemoryRound
  readonly ledger: Ledger
  readonly broker: Broker
  readonly bundles: number
  /** By model, as registered when the pool began. */
  readonly terms: ReadonlyMap<string, EngineTerms>
}

/** How a policy treats memory: one strategy object, chosen once. */
export interface MemoryRegime {
  /** How a request for memory finds its donors. */
  readonly donors: 'least-cost' | 'single-donor' | 'none'
  /** The round's moves of unused memory. */
  move(move: MemoryMove): void
  /** Bundles an engine's document allows it, and the most it could ever be allowed. */
  leaseOf(member: Member, ledger: Ledger, bundles: number): number
  limitOf(member: Member, bundles: number): number
}

const leased = (member: Member, ledger: Ledger) => ledger.leasedTo(member.engine)

/** Unused memory follows the entitlements at once, the rest through the broker. */
const brokered: MemoryRegime = {
  donors: 'least-cost',
  leaseOf: leased,
  limitOf: limitBundles,
  move({ now, members, division, ledger, broker }) {
    members.forEach((member, i) => {
      if (division.grants[i] > 0) {
        ledger.grant(member.engine, division.grants[i])
        member.dirty = true
      }
      if (division.reclaims[i] > 0) broker.takeUnused(now, member, division.reclaims[i])
    })
  },
}

/** Fixed shares by weight: they change only when somebody joins or leaves, and nobody's request moves anything. */
function fixed(donors: MemoryRegime['donors']): MemoryRegime {
  return {
    donors,
    leaseOf: leased,
    limitOf: donors === 'none' ? (member) => member.fixedBundles : limitBundles,
    move({ now, members, ledger, broker, bundles }) {
      const shares = divide({
        capacity: bundles,
        claims: members.map((member) => ({
          id: member.engine,
          weight: member.terms.weight,
          guarantee: 0,
          limit: Infinity,
          demand: Infinity,
        })),
      }).amounts
      members.forEach((member, i) => {
        const shrunk = Math.max(0, member.fixedBundles - shares[i])
        member.fixedBundles = shares[i]
        // A smaller share (somebody joined) is taken whatever it is used for; a loan only when its borrower is idle.
        if (shrunk > 0) broker.takeBack(now, member, Math.min(shrunk, ledger.leasedTo(member.engine)))
        const excess = ledger.leasedTo(member.engine) - shares[i]
        if (excess > 0 && demandTokens(member) === 0) broker.takeUnused(now, member, excess)
        const granted = Math.min(ledger.free, Math.max(0, -excess))
        if (granted === 0 || member.liveness !== 'live') return
        ledger.grant(member.engine, granted)
        member.dirty = true
      })
    },
  }
}

/** One free list for all: everybody may hold everything, and the device alone says when it is exhausted. */
const shared: MemoryRegime = {
  donors: 'none',
  leaseOf: (_member, _ledger, bundles) => bundles,
  limitOf: (_member, bundles) => bundles,
  move() {},
}

/**
 * Only observed: an engine keeps the share it would have without a coordinator, by weight among all models that are registered, whether
 * they have joined or not: what is leased once is never asked back, so nobody may hold what another will need.
 */
function observed({ donors }: MemoryRegime): MemoryRegime {
  return {
    donors,
    leaseOf: leased,
    limitOf: limitBundles,
    move({ members, ledger, bundles, terms }) {
      const registered = new Map([
        ...terms,
        ...members.map((member) => [member.model, member.terms] as const),
      ])
      const models = [...registered].sort(([a], [b]) => compareIds(a, b))
      const claims = models.map(([id, own]) => ({
        id,
        weight: own.weight,
        guarantee: guaranteeBundles({ terms: own }, bundles),
        limit: limitBundles({ terms: own }, bundles),
        demand: Infinity,
      }))
      const { amounts } = divide({ capacity: bundles, claims })
      for (const member of members) {
        const engines = members.filter(({ model }) => model === member.model).length
        const share = Math.floor(amounts[models.findIndex(([id]) => id === member.model)] / engines)
        const granted = Math.min(ledger.free, share - ledger.leasedTo(member.engine))
        if (granted <= 0 || member.liveness !== 'live') continue
        ledger.grant(member.engine, granted)
        member.dirty = true
      }
    },
  }
}

export function memoryRegimeOf(
  policy: PolicyName,
  { fixedMemory, observeOnly }: Pick<PoolSettings, 'fixedMemory' | 'observeOnly'>,
): MemoryRegime {
  const regime = fixedMemory ? fixed('none') : regimeOf(policy)
  return observeOnly && regime !== shared ? observed(regime) : regime
}

function regimeOf(policy: PolicyName): MemoryRegime {
  switch (policy) {
    case 'static':
      return fixed('none')
    case 'kapsl-compat':
      return fixed('single-donor')
    case 'uncoordinated':
      return shared
    default:
      return brokered
  }
}
