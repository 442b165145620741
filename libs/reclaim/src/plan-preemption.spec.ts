import type { PreemptionSnapshot } from '@kvasir/contracts'
import { type Rng, SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { planPreemption } from './plan-preemption.js'

type EngineSnapshot = PreemptionSnapshot['engines'][number]

function engine(id: string, leased: number, terms: Partial<EngineSnapshot> = {}): EngineSnapshot {
  return { id, weight: 1, guarantee: 0, leased, inUse: leased, supply: [], ...terms }
}

function group(priority: number, bundles: number, costUs: number, eligibleInUs = 0) {
  return { priority, bundles, costUs, eligibleInUs, protected: false }
}

function snapshot(
  engines: readonly EngineSnapshot[],
  request: Partial<PreemptionSnapshot['request']>,
  bundles = 100,
): PreemptionSnapshot {
  const leased = engines.reduce((sum, one) => sum + one.leased, 0)
  return {
    pool: { bundles, free: bundles - leased },
    request: { engine: 'me', bundles: 10, priority: 5, class: 'auto', ...request },
    engines: [...engines],
  }
}

describe('planPreemption', () => {
  it('divides shares by weight, guarantee and limit as if everybody wanted everything', () => {
    const outcome = (bundles: number, terms: Partial<EngineSnapshot>) => {
      const rich = engine('rich', 90, { supply: [group(9, 90, 1)] })
      const idle = engine('idle', 0)
      const asked = snapshot([engine('me', 0, terms), rich, idle], { bundles, minBundles: bundles })
      return planPreemption(asked).outcome
    }
    expect([outcome(33, {}), outcome(35, {})]).toEqual(['granted', 'denied'])
    expect([outcome(50, { weight: 2 }), outcome(51, { weight: 2 })]).toEqual(['granted', 'denied'])
    expect([outcome(40, { guarantee: 40 }), outcome(41, { guarantee: 40 })]).toEqual(['granted', 'denied'])
    expect(outcome(30, { limit: 20 })).toBe('denied')
  })

  it('takes the cheaper of two rules, and lists a donor once whatever rules opened its groups', () => {
    const donor = engine('donor', 80, { supply: [group(1, 10, 5), group(9, 10, 3), group(9, 60, 900)] })
    const asked = snapshot([engine('me', 20), donor], { bundles: 20 })
    expect(planPreemption(asked)).toMatchObject({
      outcome: 'granted',
      cost: 8,
      donors: [{ engine: 'donor', bundles: 20, costUs: 8 }],
    })
  })

  it('lists no donor for what lies unused, and takes it even from below a guarantee', () => {
    const donor = engine('donor', 80, { inUse: 20, guarantee: 70, supply: [group(0, 20, 1)] })
    expect(planPreemption(snapshot([engine('me', 20), donor], { bundles: 60 }))).toMatchObject({
      outcome: 'granted',
      granted: 60,
      cost: 0,
      donors: [],
    })
  })

  const seed = 606
  it(`says nothing untrue of what would have helped, seed ${seed}`, () => {
    const rng = new SeededRng(seed, 'counterfactuals')
    const said = new Map<string, number>()
    for (let run = 0; run < 3_000; run++) {
      const asked = randomSnapshot(rng)
      const plan = planPreemption(asked)
      if (plan.outcome !== 'denied') continue
      const changed = changedAsSaid(asked, plan.counterfactual)
      if (changed === null) continue
      said.set(changed.kind, (said.get(changed.kind) ?? 0) + 1)
      expect(
        planPreemption(changed.snapshot).outcome,
        `seed ${seed}, run ${run}: ${plan.counterfactual} ${JSON.stringify(asked)}`,
      ).not.toBe('denied')
    }
    expect([...said.keys()].sort()).toEqual(['later', 'priority', 'smaller'])
  })
})

function randomSnapshot(rng: Rng): PreemptionSnapshot {
  const engines = ['a', 'b', 'c'].map((id) => {
    const supply = Array.from({ length: rng.int(5) }, () => ({
      ...group(rng.int(8), 1 + rng.int(12), rng.int(50), rng.int(3) === 0 ? 1 + rng.int(1_000) : 0),
      protected: rng.int(8) === 0,
    }))
    const inUse = supply.reduce((sum, { bundles }) => sum + bundles, 0) + rng.int(4)
    return engine(id, inUse + rng.int(3), {
      inUse,
      supply,
      guarantee: rng.int(inUse + 4),
      weight: 1 + rng.int(3),
    })
  })
  const leased = engines.reduce((sum, one) => sum + one.leased, 0)
  const bundles = 1 + rng.int(25)
  const request = {
    bundles,
    priority: rng.int(8),
    class: (['auto', 'priority', 'entitlement'] as const)[rng.int(3)],
    ...(rng.int(3) === 0 ? { minBundles: 1 + rng.int(bundles) } : {}),
  }
  return snapshot([engine('me', 0), ...engines], request, leased + rng.int(4))
}

/** The snapshot with the one change that a counterfactual names; null when it names none that a snapshot could have. */
function changedAsSaid(
  asked: PreemptionSnapshot,
  counterfactual: string,
): { readonly kind: string; readonly snapshot: PreemptionSnapshot } | null {
  const later = /become eligible in (\d+) us/.exec(counterfactual)
  if (later !== null) {
    const engines = asked.engines.map((one) => ({
      ...one,
      supply: one.supply.map((point) => ({
        ...point,
        eligibleInUs: Math.max(0, point.eligibleInUs - Number(later[1])),
      })),
    }))
    return { kind: 'later', snapshot: { ...asked, engines } }
  }
  const above = /above priority (\d+) would be granted/.exec(counterfactual)
  if (above !== null) {
    const request = { ...asked.request, priority: Number(above[1]) + 1 }
    return { kind: 'priority', snapshot: { ...asked, request } }
  }
  const smaller = /request for (\d+) bundles? could be granted/.exec(counterfactual)
  if (smaller === null) return null
  const { minBundles: _, ...request } = asked.request
  return { kind: 'smaller', snapshot: { ...asked, request: { ...request, bundles: Number(smaller[1]) } } }
}
