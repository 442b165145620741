import { type PoolSettings, SUPPLY_POINTS_MAX, type SupplyPoint } from '@kvasir/contracts'
import type { Bundles, Micros } from '@kvasir/kernel'
import type { EngineView, PoolView, PreemptionHistory, SupplyView } from '@kvasir/reclaim'
import type { BrokerParts } from './broker-parts.js'
import { inUseBundles, type Member } from './member.js'
import { guaranteeBundles, limitBundles } from './memory-round.js'

/** What a bundle costs of which nobody has said it: more than most that are known, which are taken first. */
const UNKNOWN_COST_US: Micros = 1_000_000

/**
 * The pool as the chooser of donors sees it for one requester: what is leased, used and offered, engine by engine.
 * @param unsaid how many bundles an engine may be asked for that has not said what they cost: they are given by entitlement alone.
 */
export function poolView(
  now: Micros,
  parts: BrokerParts,
  history: PreemptionHistory,
  requester: Member,
  unsaid: Bundles,
): PoolView {
  const { ledger, bundles, regime } = parts
  const standings = history.standings(requester.engine, now)
  const brokered = regime.donors !== 'none'
  const engines: EngineView[] = []
  // Sorted by engine id, as members are.
  for (const member of parts.members()) {
    if (!brokered && member !== requester) continue
    const standing = standings.get(member.engine)
    const view = engineView(now, member, parts, {
      role: member === requester ? 'requester' : 'donor',
      boost: history.boostOf(member.engine, now),
      unsaid,
    })
    engines.push(standing === undefined ? view : { ...view, standing })
  }
  return { nowUs: now, bundles, free: brokered ? ledger.free : 0, engines }
}

/** A donor keeps a little more than its share: shares move with every round's demand, and work in use must not. */
export function entitlementTowards(
  entitledBundles: Bundles,
  role: 'requester' | 'donor',
  { deadZone }: Pick<PoolSettings, 'deadZone'>,
): Bundles {
  return Math.ceil(entitledBundles * (role === 'requester' ? 1 : 1 + deadZone))
}

/** How the chooser is to see one engine. */
interface Seen {
  readonly role: 'requester' | 'donor'
  readonly boost: number
  readonly unsaid: Bundles
}

function engineView(
  now: Micros,
  member: Member,
  { ledger, settings, bundles, regime }: BrokerParts,
  { role, boost, unsaid }: Seen,
): EngineView {
  const { engine, terms, liveness, heartbeat } = member
  const leased = ledger.leasedTo(engine)
  // The earlier system moved nothing but what a single donor evicts: what is unused stayed where it was.
  const inUse = regime.donors === 'single-donor' ? leased : Math.min(leased, inUseBundles(member, now))
  const eligibleInUs = Math.max(0, member.grantedUs + settings.minResidencyUs - now)
  const said = heartbeat?.supply ?? []
  return {
    id: engine,
    weight: terms.weight,
    guarantee: guaranteeBundles(member, bundles),
    limit: limitBundles(member, bundles),
    leased,
    inUse,
    incoming: ledger.incomingTo(engine),
    state: liveness === 'gone' ? 'silent' : liveness,
    preemptible: terms.preemptible,
    supply:
      said.length > 0 || role === 'requester'
        ? said.map((point) => supplyView(point, eligibleInUs))
        : unsaidSupply(Math.min(inUse, unsaid)),
    entitlement: entitlementTowards(member.entitledBundles, role, settings),
    boost,
  }
}

function supplyView({ priority, bundles, costUs }: SupplyPoint, eligibleInUs: Micros): SupplyView {
  return { priority, bundles, costUs, eligibleInUs }
}

/** What an engine could give that was not asked for a curve yet: any of it, of nobody knows what priority. */
function unsaidSupply(bundles: Bundles): readonly SupplyView[] {
  const points = Math.min(bundles, SUPPLY_POINTS_MAX)
  return Array.from({ length: points }, (_, i) => {
    const freed = Math.ceil((bundles * (i + 1)) / points)
    return { priority: Number.MAX_SAFE_INTEGER, bundles: freed, costUs: freed * UNKNOWN_COST_US }
  })
}
