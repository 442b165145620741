import type { Heartbeat } from '@kvasir/contracts'
import type { Bundles } from '@kvasir/kernel'

/** Relative change of a number below which the needs of an engine count as the same. */
const MATERIAL_CHANGE = 0.25
/** Where memory is scarce, so much of a pool more or less wanted is a change as well: somebody else lacks it. */
const MATERIAL_POOL_SHARE = 0.01

/**
 * Whether an engine needs another answer than before: more than a little of anything has changed.
 * @param scarceOf bundles of a pool whose memory is scarce, else Infinity.
 */
export function needsDiffer(a: Heartbeat, b: Heartbeat, scarceOf: Bundles): boolean {
  return (
    differ(a.demand.tokens, b.demand.tokens) ||
    differ(a.demand.tokensPerSecond, b.demand.tokensPerSecond) ||
    differ(a.demand.bundles, b.demand.bundles) ||
    Math.abs(a.demand.bundles - b.demand.bundles) >= MATERIAL_POOL_SHARE * scarceOf
  )
}

function differ(a: number, b: number): boolean {
  return Math.abs(a - b) > MATERIAL_CHANGE * Math.max(a, b)
}
