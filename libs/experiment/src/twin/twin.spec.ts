import type { DecisionRecord } from '@kvasir/contracts'
import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { compareTwins } from './compare-twins.js'
import { tallyDecisions } from './decision-tally.js'
import { gapSpreadUs, medianGapUs, ownWorkUs, stepCosts, variedCosts } from './path-cost.js'
import { pairsOf, type TwinRequest, type TwinSide } from './twin-run.js'
import { judgeTwins, type Quiet } from './twin-verdict.js'

const limits = new Map([['m', { ttftUs: 100_000 }]])
const quiet: Quiet = {
  lagUs: { p50: 100, p90: 300, max: 900 },
  idleLagUs: { p50: 50, p90: 200, max: 900 },
  cpuPressure: 0.01,
  speed: 1,
}
const busy: Quiet = { ...quiet, lagUs: { p50: 1_000, p90: 4_000, max: 20_000 } }

function finished(i: number, { slower = 1, tokens = 11, engine = 'e0' } = {}): TwinRequest {
  const ttftUs = (50_000 + 50 * i) * slower
  const end = {
    kind: 'finished',
    ttftUs,
    e2eUs: ttftUs + 100_000 * slower,
    tokens,
    received: tokens,
  } as const
  return { id: `r${i}`, model: 'm', promptTokens: 100, outputTokens: tokens, engine, end }
}

function side(requests: readonly TwinRequest[], decisions: readonly DecisionRecord[] = []): TwinSide {
  return { requests, decisions }
}

function forty(options: Parameters<typeof finished>[1] = {}): TwinSide {
  return side(Array.from({ length: 40 }, (_, i) => finished(i, options)))
}

function compared(live: TwinSide, simulated = forty()) {
  const varied = [forty({ slower: 0.98 }), forty({ slower: 1.02 })]
  return compareTwins({ live, simulated, bare: forty({ slower: 0.8 }), varied }, limits)
}

describe('compareTwins', () => {
  it('finds no difference where there is none', () => {
    const { latencies, agreement, models } = compared(forty())
    expect(
      latencies.map(({ name, gap, paired }) => [name, gap.p50, gap.p99, paired.median, paired.pairs]),
    ).toEqual([
      ['TTFT', 0, 0, 0, 40],
      ['TPOT', 0, 0, 0, 40],
      ['E2E', 0, 0, 0, 40],
    ])
    expect(agreement).toEqual({ requests: 40, sameEngine: 40, sameEnd: 40, miscounted: [] })
    expect(models).toMatchObject([{ live: { finished: 40, outputTokens: 440, sloAttainment: 1 } }])
  })

  it('pairs requests by id, whatever their order', () => {
    const { latencies } = compared(side([...forty().requests].reverse()))
    expect(latencies.every(({ paired }) => paired.p90 === 0)).toBe(true)
  })

  it('tells another replica, another end and a doubled token from what agrees', () => {
    const [first, second, third, ...others] = forty().requests
    const failed = { ...second, engine: undefined, end: { kind: 'failed', reason: 'queue_full' } as const }
    const doubled = third.end.kind === 'finished' ? { ...third, end: { ...third.end, received: 12 } } : third
    const { agreement, models } = compared(side([{ ...first, engine: 'e1' }, failed, doubled, ...others]))
    expect(agreement).toEqual({ requests: 40, sameEngine: 38, sameEnd: 39, miscounted: ['r2'] })
    expect(models[0].live).toMatchObject({ finished: 39, sloAttainment: 0.975 })
    expect([...models[0].live.failed]).toEqual([['queue_full', 1]])
  })
})

describe('judgeTwins', () => {
  it('says within how much latencies agree', () => {
    const verdict = judgeTwins(compared(forty({ slower: 1.03 })), quiet)
    expect(verdict).toMatchObject({ kind: 'agrees', worst: { median: { model: 'm' } } })
    expect(verdict.kind === 'agrees' && verdict.medians).toBeCloseTo(0.03)
    expect(verdict.kind === 'agrees' && verdict.tails).toBeCloseTo(0.01)
  })

  it('holds tails against the range of what could have been simulated as well', () => {
    const { latencies } = compared(forty({ slower: 1.02 }))
    expect(latencies.map(({ beyond }) => beyond.p90)).toEqual([0, 0, 0])
    expect(latencies.map(({ gap }) => gap.p90?.toFixed(3))).toEqual(['0.020', '0.020', '0.020'])
    expect(compared(forty({ slower: 0.9 })).latencies[0].beyond.p50).toBeCloseTo(-0.08)
  })

  it('says that they differ when they are five percent apart', () => {
    expect(judgeTwins(compared(forty({ slower: 1.06 })), quiet).kind).toBe('differs')
    expect(judgeTwins(compared(forty({ slower: 0.94 })), quiet).kind).toBe('differs')
  })

  it('refuses to judge on a busy machine, unless motion is so slow that the lag weighs little', () => {
    expect(judgeTwins(compared(forty()), busy)).toEqual({
      kind: 'not_judged',
      because: { kind: 'lag', lagUs: 3_800, grainUs: 200, mostUs: 1_000 },
    })
    expect(judgeTwins(compared(forty()), { ...busy, speed: 0.25 }).kind).toBe('agrees')
  })

  it('does not count what timers are off by on the idle cluster, but never forgives more than their grain', () => {
    const late = { ...quiet, lagUs: { p50: 250, p90: 1_600, max: 3_000 } }
    const off = (p90: number) => ({ ...late, idleLagUs: { p50: 50, p90, max: 1_000 } })
    expect(judgeTwins(compared(forty()), off(300)).kind).toBe('not_judged')
    expect(judgeTwins(compared(forty()), off(900)).kind).toBe('agrees')
    const laterStill = { ...off(5_000), lagUs: { ...late.lagUs, p90: 2_100 } }
    expect(judgeTwins(compared(forty()), laterStill)).toEqual({
      kind: 'not_judged',
      because: { kind: 'lag', lagUs: 1_100, grainUs: 1_000, mostUs: 1_000 },
    })
  })

  it('refuses on a machine on which others wait for a core, however its own timers come', () => {
    const verdict = judgeTwins(compared(forty()), { ...quiet, cpuPressure: 0.8 })
    expect(verdict).toEqual({ kind: 'not_judged', because: { kind: 'pressure', share: 0.8, most: 0.5 } })
    expect(judgeTwins(compared(forty()), { ...quiet, cpuPressure: null }).kind).toBe('agrees')
  })

  it('does not judge the tails of a few', () => {
    const few = (options?: Parameters<typeof finished>[1]) => side(forty(options).requests.slice(0, 10))
    const verdict = judgeTwins(compared(few({ slower: 1.04 }), few()), quiet)
    expect(verdict).toMatchObject({ kind: 'agrees', tails: null })
  })

  it('does not look at latencies when requests ended otherwise', () => {
    const [, ...others] = forty().requests
    const live = side([finished(0, { tokens: 12 }), ...others])
    expect(judgeTwins(compared(live), busy)).toEqual({ kind: 'ended_otherwise', requests: 1 })
  })

  it('has nothing to say of nothing', () => {
    expect(judgeTwins(compared(side([]), side([])), quiet)).toEqual({ kind: 'nothing_to_compare' })
  })
})

describe('path costs', () => {
  it('are the medians of live less simulated', () => {
    const pairs = pairsOf(forty({ slower: 1.1 }).requests, forty().requests)
    expect(medianGapUs(pairs, 'TPOT')).toBeCloseTo(1_000)
    expect(medianGapUs(pairs, 'TTFT')).toBeCloseTo(0.1 * 50_950)
    expect(gapSpreadUs(pairs, 'TPOT')).toBeCloseTo(0)
    expect(medianGapUs([], 'TTFT')).toBeUndefined()
  })

  it('split into those of a step and of each further sequence', () => {
    expect(stepCosts({ aloneUs: 1_200, togetherUs: 1_900 }, 8)).toEqual({ stepUs: 1_200, sequenceUs: 100 })
    expect(stepCosts({ aloneUs: 1_200, togetherUs: 900 }, 8)).toEqual({ stepUs: 1_200, sequenceUs: 0 })
    expect(stepCosts({ aloneUs: -50, togetherUs: 700 }, 8)).toEqual({ stepUs: 0, sequenceUs: 100 })
    expect(stepCosts({ aloneUs: 1_200, togetherUs: 1_900 }, 1)).toEqual({ stepUs: 1_200, sequenceUs: 0 })
  })
})

describe('own work', () => {
  it('is what the way leaves of a step, and none where the way is not known', () => {
    expect(ownWorkUs({ stepUs: 2_000, wayUs: 1_200 })).toBe(800)
    expect(ownWorkUs({ stepUs: 1_000, wayUs: 1_200 })).toBe(0)
    expect(ownWorkUs({ stepUs: 2_000, wayUs: null })).toBe(0)
  })
})

describe('variedCosts', () => {
  it('stay between the quartiles of what was measured, and never below nothing', () => {
    const spread = { stepUs: 100, wayUs: 200, frontEndUs: 400 }
    const cost = {
      model: 'm',
      stepUs: 1_000,
      wayUs: 700,
      sequenceUs: 10,
      frontEndUs: 50,
      gatewayUs: null,
      requests: 9,
      spread,
    }
    const rng = new SeededRng(1, 'test')
    const varied = Array.from({ length: 200 }, () => variedCosts([cost], rng)[0])
    expect(Math.min(...varied.map(({ stepUs }) => stepUs))).toBeGreaterThanOrEqual(950)
    expect(Math.max(...varied.map(({ stepUs }) => stepUs))).toBeLessThanOrEqual(1_050)
    expect(varied.every(({ wayUs }) => Math.abs((wayUs ?? 0) - 700) <= 100)).toBe(true)
    expect(Math.min(...varied.map(({ frontEndUs }) => frontEndUs))).toBe(0)
    expect(new Set(varied.map(({ stepUs }) => stepUs)).size).toBeGreaterThan(100)
  })
})

describe('tallyDecisions', () => {
  it('takes means over the rounds in which an engine had work', () => {
    const tally = tallyDecisions([
      round({ demand: 100, tokens: 80, lent: 0, bound: 'share', contended: true }),
      round({ demand: 50, tokens: 50, lent: 30, bound: 'lent', contended: false }),
      round({ demand: 0, tokens: 4, lent: 0, bound: 'wake_up', contended: false }),
    ])
    expect(tally).toMatchObject({ rounds: 3, contended: 1, bundles: 0 })
    expect([...tally.budgets]).toEqual([
      ['e0', { rounds: 2, demandTokens: 75, tokens: 65, lentTokens: 15, short: 1 }],
    ])
  })

  it('counts requests for memory by their ends, and denials by reason', () => {
    const tally = tallyDecisions([
      end({ kind: 'granted', id: 'b', bundles: 3 }),
      end({ kind: 'denied', id: 'a', reason: 'cooldown' }),
      end({ kind: 'granted_partial', id: 'c', bundles: 2 }),
      end({ kind: 'granted', id: 'd', bundles: 1 }),
    ])
    expect([...tally.outcomes]).toEqual([
      ['denied: cooldown', 1],
      ['granted', 2],
      ['granted_partial', 1],
    ])
    expect(tally.bundles).toBe(6)
  })
})

type Round = Extract<DecisionRecord, { kind: 'round' }>
type End = Extract<DecisionRecord, { kind: 'end' }>

function round(parts: {
  readonly demand: number
  readonly tokens: number
  readonly lent: number
  readonly bound: Round['answer']['shares'][number][3]
  readonly contended: boolean
}): Round {
  const { demand, tokens, lent, bound, contended } = parts
  return {
    kind: 'round',
    pool: 'p',
    epoch: 1,
    atUs: 0,
    round: 1,
    policy: 'weighted-max-min',
    observeOnly: false,
    settings: { roundUs: 100_000, maxShare: 1, reserveShare: 0.02, deadZone: 0.1 },
    bundles: 10,
    quarantined: 0,
    free: 0,
    engines: [['e0', 'm', 1, 0, 1, null, 'live', demand, 1_000, 1, 0, 0, 10, 5, 5]],
    answer: {
      capacity: 100,
      charged: 0,
      level: null,
      contended,
      conditions: [],
      shares: [[tokens, lent, 0, bound, 10, 0, 0]],
    },
  }
}

function end(outcome: End['answer']['outcome']): End {
  return {
    kind: 'end',
    pool: 'p',
    epoch: 1,
    atUs: 0,
    id: outcome.id,
    engine: 'e0',
    cause: 'arrived',
    denial: null,
    wanted: 3,
    least: 1,
    reserved: 0,
    answer: { outcome, explanation: '' },
  }
}
