import { type DonorsDecisionRecord, STOPPED_FOR_ANOTHER } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { RankChecks, type StoppedWork, stoppedWorkIn } from './rank-checks.js'

type Donor = DonorsDecisionRecord['answer']['donors'][number]
type Rule = Donor[3]

/** A request of `a` for work of priority 5; `b` was evicted before and is raised by 1. */
function decision(rule: Rule, ceiling: number | null): DonorsDecisionRecord {
  const row = (id: string, boost: number): DonorsDecisionRecord['view']['engines'][number] => {
    return [id, 1, 0, null, 4, 4, 4, 0, 'live', boost, true, false, 'curve', null, []]
  }
  return {
    kind: 'donors',
    pool: 'p',
    epoch: 1,
    atUs: 0,
    request: {
      id: 'r',
      engine: 'a',
      bundles: 1,
      minBundles: null,
      priority: 5,
      class: 'auto',
      deadlineUs: null,
      epoch: null,
    },
    observeOnly: false,
    policy: { chooser: 'least-cost', entitlementFloor: 'guarantee', exactCellsMax: 1 },
    movable: null,
    view: { epoch: null, bundles: 8, free: 0, engines: [row('a', 0), row('b', 1)] },
    answer: {
      outcome: 'granted',
      reason: 'granted',
      granted: 1,
      fromFree: 0,
      costUs: 0,
      exact: true,
      donors: [['b', 1, 0, rule, ceiling]],
      numbers: {
        wanted: 1,
        least: 1,
        total: 8,
        free: 0,
        unused: 0,
        reclaimable: 1,
        held: 4,
        limit: null,
        entitlement: 4,
      },
      explanation: '',
      counterfactual: { kind: 'none', text: '' },
    },
  }
}

function judged(record: DonorsDecisionRecord, work: readonly StoppedWork[]) {
  const checks = new RankChecks()
  checks.decided(record)
  checks.stopped(work)
  const violations = checks.results.flatMap(({ violations: seen }) => seen)
  return { violations, cases: checks.results.map(({ checked }) => checked), ...checks.numbers }
}

const stopped = (engine: string, request: string, ...priorities: number[]) => ({
  engine,
  request,
  priorities,
})

describe('the checks of rank', () => {
  it('count what was stopped by the priority rule, boosts included', () => {
    const {
      violations,
      cases,
      donors,
      stopped: counts,
    } = judged(decision('priority', 3), [stopped('b', 'r', 3, 0)])
    expect(violations).toEqual([])
    expect(cases).toEqual([1, 2, 2])
    expect(donors).toEqual({ unused: 0, entitlement: 0, priority: 1 })
    expect(counts).toEqual({ entitlement: 0, priority: 2, recalled: 0, unknown: 0 })
  })

  it('see a decision, and a victim, that outranks the beneficiary', () => {
    expect(judged(decision('priority', 4), []).violations).toEqual([
      'r of priority 5 stops work of 4 at b; allowed is below 4',
    ])
    expect(judged(decision('priority', 3), [stopped('b', 'r', 4)]).violations).toEqual([
      'b stopped work of 4 for r; allowed was below 4',
    ])
  })

  it('let the entitlement rule stop anybody, if it named itself', () => {
    expect(judged(decision('entitlement', 9), [stopped('b', 'r', 9)]).violations).toEqual([])
    const unnamed = judged(decision('unused', null), [stopped('b', 'r', 0)])
    expect(unnamed.violations).toEqual(['b stopped work of 0 for r, which had it for no donor'])
  })

  it('judge nothing of which no decision is known, and say so', () => {
    const { cases, stopped: counts } = judged(decision('priority', 3), [
      stopped('b', 'other', 9),
      stopped('b', '', 9, 9),
    ])
    expect(cases).toEqual([1, 0, 0])
    expect(counts).toEqual({ entitlement: 0, priority: 0, recalled: 2, unknown: 1 })
  })
})

describe('the log of an engine', () => {
  it('says whose work was stopped for whom', () => {
    const line = { level: 30, name: 'b', request: 'r', priorities: [1, 2], msg: STOPPED_FOR_ANOTHER }
    const text = `2026-01-01T00:00:00.000Z {"msg":"ready"}\n2026-01-01T00:00:01.000Z ${JSON.stringify(line)}\n`
    expect(stoppedWorkIn(text)).toEqual([stopped('b', 'r', 1, 2)])
  })
})
