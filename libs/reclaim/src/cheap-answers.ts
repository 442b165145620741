import { compareIds } from '@kvasir/kernel'
import type { DonorShare } from './decision.js'
import { liveDonors } from './eligibility.js'
import type { EngineView, PoolView } from './pool-view.js'

/** Bundles that can be had without stopping anybody's work. */
export interface CheapBundles {
  readonly fromFree: number
  readonly unused: readonly DonorShare[]
  readonly sum: number
}

/** Up to `wanted` bundles: free ones first, then leased but unused ones of whoever is furthest above its share; ties by id. */
export function takeCheap(view: PoolView, requester: string, wanted: number): CheapBundles {
  const fromFree = Math.min(view.free, wanted)
  let sum = fromFree
  const unused: DonorShare[] = []
  const donors = [...liveDonors(view, requester)].sort(
    (a, b) => surplusOf(b) - surplusOf(a) || compareIds(a.id, b.id),
  )
  for (const donor of donors) {
    const bundles = Math.min(unusedOf(donor), wanted - sum)
    if (bundles <= 0) continue
    sum += bundles
    unused.push({ engine: donor.id, bundles, costUs: 0, class: 'unused', priorityCeiling: null })
  }
  unused.sort((a, b) => compareIds(a.engine, b.engine))
  return { fromFree, unused, sum }
}

/** Unused bundles taken, by engine. */
export function takenOf({ unused }: CheapBundles): ReadonlyMap<string, number> {
  return new Map(unused.map(({ engine, bundles }) => [engine, bundles]))
}

/** Leased without use, the guarantee included: what is guaranteed is lent while it is not needed and returned on demand. */
export function unusedOf(engine: EngineView): number {
  return Math.max(0, engine.leased - engine.inUse)
}

function surplusOf(engine: EngineView): number {
  return engine.leased - engine.entitlement
}
