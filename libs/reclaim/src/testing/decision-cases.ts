import type { Rng } from '@kvasir/kernel'
import type { EngineView, PoolView, ReclaimRequest, SupplyView } from '../pool-view.js'

export interface DecisionCase {
  readonly request: ReclaimRequest
  readonly view: PoolView
}

/** A small pool with everything that can stand in the way; engines' supplies are groups, so that trying everything is possible. */
export function randomCase(rng: Rng): DecisionCase {
  const engines = ['a', 'b', 'c'].slice(0, 1 + rng.int(3)).map((id) => randomEngine(rng, id))
  const me: EngineView = { ...randomEngine(rng, 'me'), supply: [] }
  const all = [...engines, me]
  const leased = all.reduce((sum, engine) => sum + engine.leased, 0)
  const free = rng.int(3) === 0 ? rng.int(10) : 0
  const bundles = 1 + rng.int(30)
  const request: ReclaimRequest = {
    id: 'me/0/1',
    engine: 'me',
    bundles,
    ...(rng.int(3) === 0 ? { minBundles: 1 + rng.int(bundles) } : {}),
    priority: rng.int(8),
    class: (['auto', 'auto', 'entitlement', 'priority'] as const)[rng.int(4)],
  }
  return { request, view: { nowUs: 0, bundles: leased + free, free, engines: all } }
}

function randomEngine(rng: Rng, id: string): EngineView {
  const supply = Array.from({ length: rng.int(4) }, (): SupplyView => {
    const point = { priority: rng.int(8), bundles: 1 + rng.int(12), costUs: rng.int(50) }
    if (rng.int(8) === 0) return { ...point, protected: true }
    return rng.int(6) === 0 ? { ...point, eligibleInUs: 1 + rng.int(1_000_000) } : point
  })
  const inUse = supply.reduce((sum, { bundles }) => sum + bundles, 0) + rng.int(5)
  const leased = inUse + (rng.int(3) === 0 ? rng.int(8) : 0)
  const standing = {
    cooldownInUs: rng.int(4) === 0 ? 500 : 0,
    closesCycle: rng.int(6) === 0,
    evictionsLeft: rng.int(8),
  }
  return {
    id,
    weight: 1,
    guarantee: rng.int(2) === 0 ? rng.int(leased + 4) : 0,
    limit: rng.int(4) === 0 ? leased + rng.int(20) : Infinity,
    entitlement: rng.int(40),
    leased,
    inUse,
    state: rng.int(10) === 0 ? 'silent' : 'live',
    boost: rng.int(4) === 0 ? 1 : 0,
    preemptible: rng.int(8) !== 0,
    protected: rng.int(12) === 0,
    supplyKind: 'groups',
    supply,
    ...(rng.int(3) === 0 ? { standing } : {}),
  }
}

export interface ByHand {
  readonly granted: number
  readonly costUs: number
}

/** The best outcome by trying every set of groups under the rules as the design words them. Written apart from what it judges. */
export function bestByHand(
  { engine, bundles, minBundles = bundles, priority, class: rule }: ReclaimRequest,
  view: PoolView,
): ByHand {
  const me = view.engines.find(({ id }) => id === engine)
  let best: ByHand = { granted: 0, costUs: 0 }
  if (me === undefined) return best
  const held = me.leased + (me.incoming ?? 0)
  const most = Math.min(bundles, me.limit - held, view.bundles - held)
  const share = Math.max(me.entitlement, me.guarantee)
  const waited = (me.standing?.cooldownInUs ?? 0) === 0
  const donors = view.engines.filter(({ id, state }) => id !== engine && state === 'live')
  const unused = new Map(donors.map((d) => [d.id, Math.max(0, d.leased - d.inUse)]))
  const cheap = view.free + [...unused.values()].reduce((sum, n) => sum + n, 0)

  /** Tries every set of groups; `within`: the grant must stay inside the share and may then use the entitlement rule. */
  const search = (target: number, within: boolean): void => {
    const taken = Math.min(cheap, target)
    if (taken === target || taken >= minBundles) better(taken, 0)
    if (taken === target) return
    const groups = donors
      .flatMap((donor) => donor.supply.map((group) => ({ donor, group })))
      .filter(({ donor, group }) => {
        if (donor.protected === true || group.protected === true) return false
        if (within) return true
        const { cooldownInUs = 0, closesCycle = false, evictionsLeft = 1 } = donor.standing ?? {}
        const lower = group.priority + (donor.boost ?? 0) < priority + (me.boost ?? 0)
        const free = donor.preemptible !== false && (group.eligibleInUs ?? 0) === 0
        return (
          rule !== 'entitlement' &&
          waited &&
          lower &&
          free &&
          cooldownInUs === 0 &&
          !closesCycle &&
          evictionsLeft > 0
        )
      })
    for (let set = 1; set < 1 << groups.length; set++) {
      const chosen = groups.filter((_, i) => (set >> i) & 1)
      const kept = donors.every((donor) => {
        const mine = chosen
          .filter((entry) => entry.donor === donor)
          .reduce((sum, { group }) => sum + group.bundles, 0)
        return mine === 0 || donor.leased - (unused.get(donor.id) ?? 0) - mine >= donor.guarantee
      })
      if (!kept) continue
      const freed = chosen.reduce((sum, { group }) => sum + group.bundles, 0)
      const cost = chosen.reduce((sum, { group }) => sum + group.costUs, 0)
      const granted = Math.min(target, taken + freed)
      if (granted >= minBundles) better(granted, cost)
    }
  }
  const better = (granted: number, costUs: number): void => {
    if (granted > best.granted || (granted === best.granted && costUs < best.costUs))
      best = { granted, costUs }
  }
  if (most < minBundles) return best
  search(most, rule !== 'priority' && held + most <= share)
  const inside = Math.min(most, share - held)
  if (rule !== 'priority' && inside >= minBundles) search(inside, true)
  return best
}
