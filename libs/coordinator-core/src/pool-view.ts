import type { PoolSettings, SupplyPoint } from '@kvasir/contracts'
import type { Bundles, Micros } from '@kvasir/kernel'
import type { EngineView, PoolView, PreemptionHistory, SupplyView } from '@kvasir/reclaim'
import type { BrokerParts } from './broker-parts.js'
import { inUseBundles, type Member } from './member.js'
import { guaranteeBundles, limitBundles } from './memory-round.js'

/** The pool as the chooser of donors sees it for one requester: what is leased, used and offered, engine by engine. */
export function poolView(
  now: Micros,
  parts: BrokerParts,
  history: PreemptionHistory,
  requester: Member,
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

function engineView(
  now: Micros,
  member: Member,
  { ledger, settings, bundles, regime }: BrokerParts,
  { role, boost }: { readonly role: 'requester' | 'donor'; readonly boost: number },
): EngineView {
  const { engine, terms, liveness, heartbeat } = member
  const leased = ledger.leasedTo(engine)
  const eligibleInUs = Math.max(0, member.grantedUs + settings.minResidencyUs - now)
  return {
    id: engine,
    weight: terms.weight,
    guarantee: guaranteeBundles(member, bundles),
    limit: limitBundles(member, bundles),
    leased,
    // The earlier system moved nothing but what a single donor evicts: what is unused stayed where it was.
    inUse: regime.donors === 'single-donor' ? leased : Math.min(leased, inUseBundles(member, now)),
    incoming: ledger.incomingTo(engine),
    state: liveness === 'gone' ? 'silent' : liveness,
    preemptible: terms.preemptible,
    supply: heartbeat ? heartbeat.supply.map((point) => supplyView(point, eligibleInUs)) : [],
    entitlement: entitlementTowards(member.entitledBundles, role, settings),
    boost,
  }
}

function supplyView({ priority, bundles, costUs }: SupplyPoint, eligibleInUs: Micros): SupplyView {
  return { priority, bundles, costUs, eligibleInUs }
}
