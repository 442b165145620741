import type { Bundles, Micros } from '@kvasir/kernel'
import type { Ledger } from '@kvasir/reclaim'
import { inUseBundles, type Member } from './member.js'

/** Share of a pool below which free and unused bundles together count as scarce. */
const SCARCE_SHARE = 0.15
/** How long curves are published after a request that needed them. */
const SUPPLY_WANTED_US: Micros = 5_000_000

export interface ScarcityInput {
  readonly now: Micros
  readonly members: readonly Member[]
  readonly ledger: Ledger
  /** Of the pool. */
  readonly bundles: Bundles
  /** When a request last asked for more than was free or unused. */
  readonly supplyMissedUs: Micros
}

/** Whether memory is scarce, or was a while ago: only then are supply curves worth their making. */
export function isScarce({ now, members, ledger, bundles, supplyMissedUs }: ScarcityInput): boolean {
  let available = ledger.free
  for (const member of members)
    available += Math.max(0, ledger.leasedTo(member.engine) - inUseBundles(member, now))
  return available < SCARCE_SHARE * bundles || now < supplyMissedUs + SUPPLY_WANTED_US
}
