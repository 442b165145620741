import type { PoolSettings } from '@kvasir/contracts'
import { type Bundles, compareIds, type Micros } from '@kvasir/kernel'
import type { EngineView, PoolView, PreemptionHistory } from '@kvasir/reclaim'
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
  const engines = parts
    .members()
    .filter((member) => brokered || member === requester)
    .map((member): EngineView => {
      const standing = standings.get(member.engine)
      return {
        ...engineView(now, member, parts),
        entitlement: entitlementTowards(
          member.entitledBundles,
          member === requester ? 'requester' : 'donor',
          parts.settings,
        ),
        boost: history.boostOf(member.engine, now),
        ...(standing === undefined ? {} : { standing }),
      }
    })
    .sort((a, b) => compareIds(a.id, b.id))
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

function engineView(now: Micros, member: Member, parts: BrokerParts): Omit<EngineView, 'entitlement'> {
  const { ledger, settings, bundles } = parts
  const leased = ledger.leasedTo(member.engine)
  const eligibleInUs = Math.max(0, member.grantedUs + settings.minResidencyUs - now)
  return {
    id: member.engine,
    weight: member.terms.weight,
    guarantee: guaranteeBundles(member, bundles),
    limit: limitBundles(member, bundles),
    leased,
    // The earlier system moved nothing but what a single donor evicts: what is unused stayed where it was.
    inUse: parts.regime.donors === 'single-donor' ? leased : Math.min(leased, inUseBundles(member, now)),
    incoming: ledger.incomingTo(member.engine),
    state: member.liveness === 'gone' ? 'silent' : member.liveness,
    preemptible: member.terms.preemptible,
    supply: (member.heartbeat?.supply ?? []).map((point) => ({ ...point, eligibleInUs })),
  }
}
