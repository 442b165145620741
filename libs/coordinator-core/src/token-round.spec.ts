import { describe, expect, it } from 'vitest'
import type { RoundEngine, RoundInput } from './round-input.js'
import { divideTokens, wakeUpUnits } from './token-round.js'

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
