import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import type { RoundEngine, RoundInput } from './round-input.js'
import { divideTokens, type TokenShare, wakeUpUnits } from './token-round.js'

function engine(id: string, terms: Partial<RoundEngine> = {}): RoundEngine {
  return {
    engine: id,
    model: id,
    terms: { weight: 1, guarantee: 0, limit: 1 },
    liveness: 'live',
    demandTokens: 1_000_000,
    tokensPerSecond: 10_000,
    unitsPerToken: 1,
    floorTokens: 0,
    leasedBundles: 0,
    inUseBundles: 0,
    demandBundles: 0,
    ...terms,
  }
}

function round(engines: readonly RoundEngine[], terms: Partial<RoundInput> = {}): RoundInput {
  return {
    policy: 'weighted-max-min',
    settings: { roundUs: 100_000, maxShare: 1, reserveShare: 0, deadZone: 0.1 },
    bundles: 100,
    quarantined: 0,
    free: 100,
    engines,
    carry: undefined,
    ...terms,
  }
}

function tokensOf(input: RoundInput): number[] {
  return divideTokens(input).shares.map(({ tokens }) => tokens)
}

describe('wake-up grants', () => {
  it('give an idle engine a fiftieth of the round, split among all, and its ideal share stays 0', () => {
    const { shares } = divideTokens(round([engine('a'), engine('b', { demandTokens: 0 })]))
    expect(shares.map(({ tokens, idealTokens }) => [tokens, idealTokens])).toEqual([
      [990, 1_000],
      [10, 0],
    ])
  })

  it('are at least one unit, and none under the earlier rule', () => {
    const input = round(Array.from({ length: 100 }, (_, i) => engine(`e${i}`)))
    expect(wakeUpUnits(input, 1_000)).toBe(1)
    expect(wakeUpUnits({ ...input, policy: 'kapsl-compat' }, 1_000)).toBe(0)
  })
})

describe('a guarantee', () => {
  const half = { weight: 1, guarantee: 0.5, limit: 1 }
  const idle = engine('a', { demandTokens: 0, terms: half })

  it('is kept ready for an idle engine, beside the budgets that the others have without it', () => {
    const { shares, capacity } = divideTokens(round([idle, engine('b'), engine('c')]))
    expect(capacity).toBe(1_000)
    const lines = shares.map(({ tokens, lentTokens, readyTokens }) => [tokens, lentTokens, readyTokens])
    expect(lines).toEqual([
      [6, 494, 494],
      [497, 0, 0],
      [497, 0, 0],
    ])
  })

  it('is made up to and no more, in the tokens of its engine', () => {
    const some = { demandTokens: 30, unitsPerToken: 4, tokensPerSecond: 2_500, terms: half }
    const [{ tokens, lentTokens, readyTokens }] = divideTokens(round([engine('a', some), engine('b')])).shares
    expect([tokens, lentTokens, readyTokens]).toEqual([30, 95, 95])
    // As much is lent to it.
    const quiet = [engine('a', { demandTokens: 10, terms: half }), engine('b', { demandTokens: 10 })]
    expect(divideTokens(round(quiet)).shares[0]).toMatchObject({ lentTokens: 490, readyTokens: 0 })
  })

  it('is divided first where all together exceed what there is', () => {
    const most = { weight: 1, guarantee: 0.8, limit: 1 }
    const rivals = [engine('a', { demandTokens: 0, terms: most }), engine('b', { terms: most })]
    expect(divideTokens(round(rivals)).shares[0].readyTokens).toBe(490)
  })

  it('is not kept for an engine that is not heard, nor by policies that know none', () => {
    const ready = (input: RoundInput) => divideTokens(input).shares[0].readyTokens
    expect(ready(round([{ ...idle, liveness: 'silent' }, engine('b')]))).toBe(0)
    for (const policy of ['proportional', 'static', 'uncoordinated', 'kapsl-compat'] as const)
      expect(ready(round([idle, engine('b')], { policy }))).toBe(0)
    expect(ready(round([idle, engine('b')], { policy: 'drf' }))).toBeGreaterThan(400)
  })

  const SEED = 20_241_122
  it(`of an idle engine costs nobody a token, seed ${SEED}`, () => {
    const rng = new SeededRng(SEED, 'ready')
    for (let pool = 0; pool < 300; pool++) {
      const engines = randomEngines(rng)
      const without = engines.map((one) =>
        one.demandTokens === 0 ? { ...one, terms: { ...one.terms, guarantee: 0 } } : one,
      )
      const kept = divideTokens(round(engines))
      const others = (shares: readonly TokenShare[]) => shares.filter((_, i) => engines[i].demandTokens > 0)
      expect(others(kept.shares)).toEqual(others(divideTokens(round(without)).shares))
      expect(kept.divided).toBeLessThanOrEqual(kept.capacity)
      kept.shares.forEach(({ tokens, lentTokens }, i) => {
        const guaranteed = Math.floor(engines[i].terms.guarantee * kept.capacity)
        expect(tokens + lentTokens, `pool ${pool}, ${i}`).toBeGreaterThanOrEqual(guaranteed)
      })
    }
  })
})

/** Up to seven whose guarantees fit, every other one idle or nearly so. */
function randomEngines(rng: SeededRng): readonly RoundEngine[] {
  const count = 2 + rng.int(6)
  return Array.from({ length: count }, (_, i) =>
    engine(`e${i}`, {
      demandTokens: rng.int(2) === 0 ? 0 : 1 + rng.int(2_000),
      terms: { weight: 1 + rng.int(4), guarantee: rng.int(100) / 100 / count, limit: 1 },
    }),
  )
}

describe('cost-weighted tokens', () => {
  // b's tokens cost four times a's, so that alone it computes a quarter of them in a round.
  const heavy = { unitsPerToken: 4, tokensPerSecond: 2_500 }

  it('give equal weights equal parts of what the group computes, not equal numbers of tokens', () => {
    expect(tokensOf(round([engine('a'), engine('b', heavy)]))).toEqual([500, 125])
  })

  it('count guarantees, limits and demand in the same unit', () => {
    const guaranteed = { weight: 1, guarantee: 0.8, limit: 1 }
    expect(tokensOf(round([engine('a'), engine('b', { ...heavy, terms: guaranteed })]))).toEqual([200, 200])
    expect(tokensOf(round([engine('a'), engine('b', { ...heavy, demandTokens: 50 })]))).toEqual([800, 50])
  })

  it('make the capacity what the group computes at the mix that is demanded', () => {
    // A thousand of a's tokens at 10,000 a second, three thousand of b's at 30,000: 0.2 s for 4,000.
    const mix = [
      engine('a', { demandTokens: 1_000 }),
      engine('b', { demandTokens: 3_000, tokensPerSecond: 30_000 }),
    ]
    expect(divideTokens(round(mix)).capacity).toBe(2_000)
  })
})
