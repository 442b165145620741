import type { PoolView } from '@kvasir/reclaim'
import type { Micros } from '@kvasir/kernel'
import { inUseBundles, type Member } from './member.js'
import { guaranteeBundles, limitBundles } from './memory-round.js'
import type { BrokerParts } from './broker.js'

/** The pool as the chooser of donors sees it: what is leased, used and offered, engine by engine. */
export function poolView(now: Micros, parts: BrokerParts): PoolView {
  const { ledger, settings, bundles } = parts
  return {
    bundles,
    free: ledger.free,
    engines: parts.members().map((member) => engineView(now, member, parts, settings.minResidencyUs)),
  }
}

function engineView(now: Micros, member: Member, parts: BrokerParts, minResidencyUs: Micros): PoolView['engines'][number] {
  const leased = parts.ledger.leasedTo(member.engine)
  const residentFromUs = member.grantedUs + minResidencyUs
  return {
    engine: member.engine,
    weight: member.terms.weight,
    guarantee: guaranteeBundles(member, parts.bundles),
    limit: limitBundles(member, parts.bundles),
    entitlement: member.entitledBundles,
    leased,
    inUse: Math.min(leased, inUseBundles(member)),
    liveness: member.liveness,
    preemptible: member.terms.preemptible,
    supply: member.heartbeat?.supply ?? [],
    ...(residentFromUs > now ? { eligibleInUs: residentFromUs - now } : {}),
  }
}
