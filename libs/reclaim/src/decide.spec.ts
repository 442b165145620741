import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { decide, DEFAULT_RECLAIM_POLICY } from './decide.js'
import type { Decision } from './decision.js'
import type { EngineView, PoolView, ReclaimRequest, SupplyView } from './pool-view.js'
import { bestByHand, randomCase } from './testing/decision-cases.js'

function engine(id: string, terms: Partial<EngineView> = {}): EngineView {
  const leased = terms.leased ?? 0
  return {
    id,
    weight: 1,
    guarantee: 0,
    limit: Infinity,
    entitlement: 0,
    leased,
    inUse: leased,
    state: 'live',
    supply: [],
    supplyKind: 'groups',
    ...terms,
  }
}

function group(
  priority: number,
  bundles: number,
  costUs: number,
  terms: Partial<SupplyView> = {},
): SupplyView {
  return { priority, bundles, costUs, ...terms }
}

function pool(bundles: number, engines: readonly EngineView[], terms: Partial<PoolView> = {}): PoolView {
  const leased = engines.reduce((sum, view) => sum + view.leased, 0)
  return { nowUs: 1_000_000, bundles, free: bundles - leased, engines, ...terms }
}

function ask(bundles: number, terms: Partial<ReclaimRequest> = {}): ReclaimRequest {
  return { id: 'me/0/1', engine: 'me', bundles, priority: 5, class: 'auto', ...terms }
}

/** The answer without what explains it. */
function answer({ outcome, reason, granted, fromFree, costUs, donors }: Decision): unknown {
  return {
    outcome,
    reason,
    granted,
    fromFree,
    costUs,
    donors: donors.map((d) => `${d.engine} ${d.bundles} ${d.class} ${d.priorityCeiling}`),
  }
}

describe('decide: cheap answers', () => {
  it('grants from the free list without asking anybody', () => {
    const decision = decide(
      ask(10),
      pool(100, [engine('me'), engine('a', { leased: 80, supply: [group(0, 80, 1)] })]),
    )
    expect(answer(decision)).toEqual({
      outcome: 'granted',
      reason: 'granted',
      granted: 10,
      fromFree: 10,
      costUs: 0,
      donors: [],
    })
    expect(decision.explanation).toBe('me gets 10 bundles: 10 free')
    expect(decision.counterfactual).toEqual({ kind: 'none', text: 'nobody was asked; 10 bundles stay free' })
  })

  it('takes what is leased but unused before anybody has to stop, from whoever is furthest above its share', () => {
    const a = engine('a', { leased: 50, inUse: 10, entitlement: 50 })
    const b = engine('b', { leased: 50, inUse: 10, entitlement: 20, supply: [group(0, 10, 1)] })
    const decision = decide(ask(45), pool(100, [engine('me'), a, b]))
    expect(answer(decision)).toMatchObject({
      granted: 45,
      costUs: 0,
      donors: ['a 5 unused null', 'b 40 unused null'],
    })
    expect(decision.counterfactual).toMatchObject({ kind: 'free', bundles: 45 })
  })

  it('lends out the guarantee that an engine does not use', () => {
    const a = engine('a', { leased: 50, inUse: 10, guarantee: 40 })
    expect(answer(decide(ask(20, { minBundles: 1 }), pool(50, [engine('me'), a])))).toMatchObject({
      outcome: 'granted',
      granted: 20,
      donors: ['a 20 unused null'],
    })
  })

  it('does not take the unused of an engine that cannot be asked', () => {
    const a = engine('a', { leased: 50, inUse: 0, state: 'suspect' })
    expect(decide(ask(20), pool(50, [engine('me'), a])).reason).toBe('no_lower_priority')
  })
})

describe('decide: refusals without a search', () => {
  const busy = engine('a', { leased: 80, supply: [group(0, 80, 1)] })

  it.each([
    ['not_registered', ask(1, { engine: 'ghost' }), [busy]],
    ['stale_epoch', ask(1, { epoch: 3 }), [engine('me'), busy]],
    ['deadline', ask(1, { deadlineUs: 1_000_000 }), [engine('me'), busy]],
    ['pool_too_small', ask(101), [engine('me'), busy]],
    ['over_limit', ask(30, { minBundles: 11 }), [engine('me', { limit: 30, leased: 20 }), busy]],
  ] as const)('denies %s', (reason, request, engines) => {
    const decision = decide(request, pool(100, engines, { epoch: 4 }))
    expect(answer(decision)).toMatchObject({ outcome: 'denied', reason, granted: 0, donors: [] })
    expect(decision.explanation).toMatch(/ gets nothing: /)
    expect(decision.counterfactual.text).not.toBe('')
  })

  it('says which limit would have helped', () => {
    const engines = [engine('me', { limit: 30, leased: 20 }), busy]
    expect(decide(ask(15), pool(100, engines)).counterfactual).toMatchObject({ kind: 'limit', bundles: 35 })
  })

  it('counts what is on its way to the requester', () => {
    const engines = [engine('me', { limit: 30, leased: 10, incoming: 15 })]
    expect(decide(ask(6), pool(100, engines)).reason).toBe('over_limit')
    expect(decide(ask(5), pool(100, engines)).outcome).toBe('granted')
  })

  it('grants as much as the limit allows when that is enough', () => {
    const engines = [engine('me', { limit: 30, leased: 20 })]
    expect(decide(ask(30, { minBundles: 5 }), pool(100, engines))).toMatchObject({
      outcome: 'granted_partial',
      granted: 10,
    })
  })

  it('fails loudly on a request that makes no sense', () => {
    expect(() => decide(ask(0), pool(1, [engine('me')]))).toThrow(/asks for 0..0 bundles/)
    expect(() => decide(ask(1, { minBundles: 2 }), pool(1, [engine('me')]))).toThrow(/asks for 2..1 bundles/)
  })
})

describe('decide: by priority', () => {
  it('takes the cheapest strictly lower work over all donors', () => {
    const a = engine('a', { leased: 50, supply: [group(1, 10, 900), group(4, 8, 100), group(5, 32, 1)] })
    const b = engine('b', { leased: 50, supply: [group(4, 8, 120), group(9, 42, 0)] })
    const decision = decide(ask(15), pool(100, [engine('me'), a, b]))
    expect(answer(decision)).toMatchObject({
      outcome: 'granted',
      granted: 15,
      costUs: 220,
      donors: ['a 8 priority 4', 'b 8 priority 4'],
    })
    expect(decision.explanation).toBe(
      'me gets 15 bundles: 16 reclaimed by priority from a (8) and b (8), which costs about 220 us of work',
    )
  })

  it('takes a point of a curve where points are alternatives', () => {
    const supply = [1, 2, 4, 8].map((bundles) => group(0, bundles, bundles * 10))
    const a = engine('a', { leased: 20, supplyKind: 'curve', supply })
    expect(answer(decide(ask(3), pool(20, [engine('me'), a])))).toMatchObject({
      costUs: 40,
      donors: ['a 4 priority 0'],
    })
  })

  it('denies when nothing is lower, and says above which priority it would be granted', () => {
    const a = engine('a', { leased: 100, supply: [group(5, 20, 1), group(7, 80, 1)] })
    const decision = decide(ask(40), pool(100, [engine('me'), a]))
    expect(decision).toMatchObject({
      reason: 'no_lower_priority',
      counterfactual: { kind: 'priority', above: 7 },
    })
    expect(decision.explanation).toBe(
      'me gets nothing: it needs 40 bundles at priority 5; there are 0 free, 0 unused and 0 in use within reach; the rest is of no lower priority',
    )
  })

  it('counts boosts on both sides', () => {
    const a = engine('a', { leased: 100, boost: 2, supply: [group(4, 100, 1)] })
    expect(decide(ask(10), pool(100, [engine('me'), a])).reason).toBe('no_lower_priority')
    expect(decide(ask(10), pool(100, [engine('me', { boost: 2 }), a])).outcome).toBe('granted')
  })

  it('denies what is protected or not preemptible', () => {
    const work = [group(0, 100, 1)]
    for (const terms of [
      { protected: true, supply: work },
      { preemptible: false, supply: work },
      { supply: [group(0, 100, 1, { protected: true })] },
    ])
      expect(decide(ask(10), pool(100, [engine('me'), engine('a', { leased: 100, ...terms })])).reason).toBe(
        'all_protected',
      )
  })

  it('takes nobody below its guarantee, even where only whole groups are left', () => {
    const a = engine('a', { leased: 100, guarantee: 85, supply: [group(0, 20, 1), group(0, 80, 1)] })
    const decision = decide(ask(10), pool(100, [engine('me'), a]))
    expect(decision).toMatchObject({ reason: 'all_protected', counterfactual: { kind: 'none' } })
  })

  it('waits for minimum residency, and says when more becomes eligible', () => {
    const supply = [
      group(0, 28, 1),
      group(0, 8, 1, { eligibleInUs: 900_000 }),
      group(0, 12, 1, { eligibleInUs: 1_800_000 }),
    ]
    const decision = decide(ask(40), pool(60, [engine('me'), engine('b', { leased: 60, supply })]))
    expect(decision.reason).toBe('min_residency')
    expect(decision.counterfactual).toEqual({
      kind: 'later',
      bundles: 20,
      inUs: 1_800_000,
      engine: 'b',
      text: '20 more bundles become eligible in 1.8 s (minimum residency of b)',
    })
  })

  it.each([
    ['cooldown', { cooldownInUs: 250_000, closesCycle: false, evictionsLeft: 9 }, 'later'],
    ['cooldown', { cooldownInUs: 0, closesCycle: false, evictionsLeft: 0 }, 'none'],
    ['cycle', { cooldownInUs: 0, closesCycle: true, evictionsLeft: 9 }, 'none'],
  ] as const)('denies %s by the standing of the donor', (reason, standing, kind) => {
    const a = engine('a', { leased: 100, standing, supply: [group(0, 100, 1)] })
    expect(decide(ask(10), pool(100, [engine('me'), a]))).toMatchObject({ reason, counterfactual: { kind } })
  })

  it('stops lower work only for an engine that has been short of memory for long enough, entitlement apart', () => {
    const standing = { cooldownInUs: 250_000, closesCycle: false, evictionsLeft: 9 }
    const a = engine('a', { leased: 90, supply: [group(0, 90, 1)] })
    const view = pool(100, [engine('me', { standing }), a])
    const denied = decide(ask(20), view)
    expect(denied).toMatchObject({
      reason: 'cooldown',
      counterfactual: {
        kind: 'later',
        inUs: 250_000,
        text: '90 more bundles become eligible in 250 ms (delay of me)',
      },
    })
    expect(denied.explanation).toContain('yields only once it has been short of memory for longer')
    expect(decide(ask(10), view).outcome).toBe('granted')
    expect(decide(ask(20), pool(100, [engine('me', { standing, entitlement: 20 }), a])).outcome).toBe(
      'granted',
    )
  })

  it('grants in part when that is of use, and says what a smaller request would get when it is not', () => {
    const a = engine('a', { leased: 90, supply: [group(0, 20, 1), group(9, 70, 1)] })
    const engines = [engine('me'), a]
    expect(answer(decide(ask(50, { minBundles: 25 }), pool(100, engines)))).toMatchObject({
      outcome: 'granted_partial',
      granted: 30,
      fromFree: 10,
    })
    expect(
      decide(ask(50), pool(100, [engine('me'), { ...a, supply: [group(0, 20, 1)], protected: false }])),
    ).toMatchObject({
      reason: 'no_lower_priority',
      counterfactual: { kind: 'smaller', bundles: 30 },
    })
  })
})

describe('decide: by entitlement', () => {
  const rich = engine('a', {
    leased: 90,
    guarantee: 20,
    entitlement: 50,
    supply: [group(9, 30, 100), group(9, 60, 50)],
  })

  it('returns a share that is its own, whatever the priority of the work that uses it, and names the rule', () => {
    const decision = decide(ask(30, { priority: 0 }), pool(90, [engine('me', { entitlement: 40 }), rich]))
    expect(answer(decision)).toMatchObject({ outcome: 'granted', costUs: 50, donors: ['a 60 entitlement 9'] })
    expect(decision.explanation).toContain('60 reclaimed by entitlement from a (60)')
  })

  it('does not reach beyond the share, but grants the part within it where that is of use', () => {
    const me = engine('me', { entitlement: 40, leased: 30 })
    const view = pool(120, [me, rich])
    expect(decide(ask(30, { priority: 0 }), view).reason).toBe('no_lower_priority')
    expect(answer(decide(ask(30, { priority: 0, minBundles: 5 }), view))).toMatchObject({
      outcome: 'granted_partial',
      granted: 10,
      donors: ['a 60 entitlement 9'],
    })
  })

  it('keeps a donor at its share where the policy says so', () => {
    const view = pool(90, [engine('me', { entitlement: 40 }), rich])
    const policy = { ...DEFAULT_RECLAIM_POLICY, entitlementFloor: 'share' as const }
    expect(answer(decide(ask(30, { priority: 0 }), view, policy))).toMatchObject({
      costUs: 100,
      donors: ['a 30 entitlement 9'],
    })
  })

  it('respects protection and guarantees, but neither residency, cooldown nor circles', () => {
    const standing = { cooldownInUs: 5, closesCycle: true, evictionsLeft: 0 }
    const supply = [group(9, 30, 1, { eligibleInUs: 7 }), group(9, 50, 0, { protected: true })]
    const view = pool(90, [
      engine('me', { entitlement: 60 }),
      engine('a', { leased: 90, guarantee: 30, standing, supply }),
    ])
    expect(answer(decide(ask(20), view))).toMatchObject({
      outcome: 'granted',
      donors: ['a 30 entitlement 9'],
    })
    expect(decide(ask(60), view).reason).toBe('all_protected')
  })

  it('uses only the rule that was asked for', () => {
    const view = pool(90, [engine('me', { entitlement: 10 }), rich])
    expect(decide(ask(10, { class: 'priority' }), view).reason).toBe('no_lower_priority')
    expect(decide(ask(10, { class: 'entitlement' }), view).outcome).toBe('granted')
    const beyond = decide(ask(11, { class: 'entitlement', priority: 99 }), view)
    expect(beyond).toMatchObject({ reason: 'over_limit', counterfactual: { kind: 'limit', bundles: 11 } })
  })

  it('calls a donation by priority where both rules allow it', () => {
    const a = engine('a', { leased: 90, supply: [group(1, 30, 1)] })
    expect(answer(decide(ask(30), pool(90, [engine('me', { entitlement: 40 }), a])))).toMatchObject({
      donors: ['a 30 priority 1'],
    })
  })
})

describe('decide: the earlier single-donor rule', () => {
  it('denies what two donors could give together', () => {
    const engines = [
      engine('me'),
      engine('a', { leased: 6, supply: [group(1, 6, 1)] }),
      engine('b', { leased: 6, supply: [group(1, 6, 1)] }),
    ]
    const policy = { ...DEFAULT_RECLAIM_POLICY, chooser: 'kapsl-single-donor' as const }
    expect(decide(ask(10), pool(12, engines), policy).outcome).toBe('denied')
    expect(decide(ask(6), pool(12, engines), policy)).toMatchObject({
      outcome: 'granted',
      donors: [{ engine: 'a', bundles: 6 }],
    })
    expect(decide(ask(10), pool(12, engines)).outcome).toBe('granted')
  })
})

describe('any decision', () => {
  const seed = 505
  it(`costs least, inverts no priority, keeps guarantees and denies nothing feasible, seed ${seed}`, () => {
    const rng = new SeededRng(seed, 'decisions')
    const outcomes = new Map<string, number>()
    for (let run = 0; run < 4_000; run++) {
      const { request, view } = randomCase(rng)
      const decision = decide(request, view)
      const where = `seed ${seed}, run ${run}: ${JSON.stringify({ request, view, decision })}`
      outcomes.set(decision.reason, (outcomes.get(decision.reason) ?? 0) + 1)
      expect(lawBroken(request, view, decision), where).toBeNull()
      const best = bestByHand(request, view)
      expect(decision.granted, where).toBe(best.granted)
      if (decision.outcome !== 'denied') expect(decision.costUs, where).toBe(best.costUs)
      const turned = decide(request, { ...view, engines: [...view.engines].reverse() })
      expect(turned, where).toEqual(decision)
    }
    console.info(
      `decisions of seed ${seed}: ${[...outcomes]
        .sort()
        .map(([reason, n]) => `${reason} ${n}`)
        .join(', ')}`,
    )
    expect(outcomes.size).toBeGreaterThanOrEqual(8)
  })
})

/** The laws a grant has to keep, each named when broken. */
function lawBroken(request: ReclaimRequest, view: PoolView, decision: Decision): string | null {
  if (decision.outcome === 'denied') return decision.counterfactual.text === '' ? 'no counterfactual' : null
  const requester = view.engines.find(({ id }) => id === request.engine)
  if (requester === undefined) return 'granted to nobody'
  const { granted, fromFree, donors } = decision
  const given = donors.reduce((sum, { bundles }) => sum + bundles, 0)
  if (fromFree > view.free || fromFree + given < granted) return 'granted out of nothing'
  if (granted > request.bundles || granted < (request.minBundles ?? request.bundles))
    return 'granted outside of what was asked'
  if (requester.leased + (requester.incoming ?? 0) + granted > Math.min(requester.limit, view.bundles))
    return 'over the limit'
  for (const donor of view.engines) {
    const shares = donors.filter(({ engine: id }) => id === donor.id)
    const sum = shares.reduce((total, { bundles }) => total + bundles, 0)
    const stopped = shares.some(({ class: rule }) => rule !== 'unused')
    if (stopped && donor.leased - sum < donor.guarantee) return `${donor.id} below its guarantee`
    if (sum > 0 && !stopped && donor.leased - sum < donor.inUse) return `${donor.id} gives what it uses`
    if (sum > 0 && (donor.state !== 'live' || donor.id === request.engine)) return `${donor.id} cannot give`
    for (const { class: rule, priorityCeiling } of shares) {
      if (rule === 'unused') continue
      if (donor.protected === true) return `${donor.id} is protected`
      const outranks =
        (priorityCeiling ?? Infinity) + (donor.boost ?? 0) >= request.priority + (requester.boost ?? 0)
      if (rule === 'priority' && outranks) return `work of ${donor.id} outranks the request`
      const share = Math.max(requester.entitlement, requester.guarantee)
      if (rule === 'entitlement' && requester.leased + (requester.incoming ?? 0) + granted > share)
        return 'beyond its share'
    }
  }
  return null
}
