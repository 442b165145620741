import { poolSettingsSchema } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { divideMemory } from './memory-round.js'
import type { RoundEngine, RoundInput } from './round-input.js'

function engine(name: string, change: Partial<RoundEngine> = {}): RoundEngine {
  return {
    engine: name,
    model: name,
    terms: { weight: 1, guarantee: 0, limit: 1 },
    liveness: 'live',
    demandTokens: 0,
    tokensPerSecond: 1_000,
    unitsPerToken: 1,
    floorTokens: 0,
    leasedBundles: 0,
    inUseBundles: 0,
    demandBundles: 0,
    ...change,
  }
}

function round(engines: readonly RoundEngine[]): RoundInput {
  const leased = engines.reduce((sum, { leasedBundles }) => sum + leasedBundles, 0)
  const settings = { ...poolSettingsSchema.parse({}), reserveShare: 0 }
  return {
    policy: 'weighted-max-min',
    settings,
    bundles: 200,
    quarantined: 0,
    free: 200 - leased,
    engines,
    carry: undefined,
  }
}

describe('what is lent ahead', () => {
  it('goes half by weight and half by what is used, so that an idle engine has something to begin with', () => {
    const busy = engine('busy', { inUseBundles: 98 })
    const { grants, entitlements } = divideMemory(round([busy, engine('idle')]))
    // 2 bundles are the idle one's by right. Of the other 100, both get 25, and of 50 the busy one gets 49.
    expect(entitlements).toEqual([98, 2])
    expect(grants).toEqual([98 + 25 + 49, 2 + 25 + 1])
  })

  it('is divided by weight alone while nobody uses more than another', () => {
    const heavy = engine('heavy', { terms: { weight: 3, guarantee: 0, limit: 1 } })
    const { grants } = divideMemory(round([heavy, engine('light')]))
    expect(grants).toEqual([2 + 147, 2 + 49])
  })

  it('takes nobody beyond its limit, and nothing is lent to who is not heard', () => {
    const limited = engine('limited', { inUseBundles: 90, terms: { weight: 1, guarantee: 0, limit: 0.5 } })
    const silent = engine('silent', { inUseBundles: 50, liveness: 'gone' })
    const { grants } = divideMemory(round([limited, engine('other'), silent]))
    expect(grants[0]).toBe(100)
    expect(grants[2]).toBe(0)
  })
})
