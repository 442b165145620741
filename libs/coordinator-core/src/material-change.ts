import type { Heartbeat } from '@kvasir/contracts'

/** Relative change of a number below which the needs of an engine count as the same. */
const MATERIAL_CHANGE = 0.25

/** Whether an engine needs another answer than before: more than a little of anything has changed. */
export function needsDiffer(a: Heartbeat, b: Heartbeat): boolean {
  return (
    differ(a.demand.tokens, b.demand.tokens) ||
    differ(a.demand.tokensPerSecond, b.demand.tokensPerSecond) ||
    differ(a.demand.bundles, b.demand.bundles)
  )
}

function differ(a: number, b: number): boolean {
  return Math.abs(a - b) > MATERIAL_CHANGE * Math.max(a, b)
}
