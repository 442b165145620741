import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { fillExactly } from './fill-exactly.js'
import { fillQuickly } from './fill-quickly.js'
import { Level } from './level.js'
import { wide } from './testing/instances.js'

interface Member {
  readonly weight: number
  readonly floor: number
  readonly cap: number
}

function levelOf(members: readonly Member[]): Level {
  const level = new Level()
  level.reset(members.length)
  members.forEach(({ weight, floor, cap }, i) => {
    level.weights[i] = weight
    level.floors[i] = floor
    level.caps[i] = cap
  })
  return level
}

/** Exact amounts as text, so that both ways of writing a fraction compare equal. */
function amountsOf(level: Level): string[] {
  return Array.from({ length: level.size }, (_, i) => {
    const { whole, part, denominator } = level.shareOf(i)
    return `${whole} + ${reduced(part, denominator)}`
  })
}

function reduced(part: bigint, denominator: bigint): string {
  let [a, b] = [part, denominator]
  while (b !== 0n) [a, b] = [b, a % b]
  return `${part / a}/${denominator / a}`
}

describe('the two ways to fill a level', () => {
  const seed = 99
  it(`agree to the last digit, with whole and fractional shares, seed ${seed}`, () => {
    const rng = new SeededRng(seed, 'fill')
    for (let run = 0; run < 4_000; run++) {
      const members = Array.from({ length: 1 + rng.int(20) }, (): Member => {
        const floor = rng.int(3) === 0 ? wide(rng, 50) : 0
        return { weight: 1 + wide(rng, 500), floor, cap: floor + wide(rng, 1_000) }
      })
      const least = members.reduce((sum, { floor }) => sum + floor, 0)
      const most = members.reduce((sum, { cap }) => sum + cap, 0)
      if (least === most) continue
      const whole = least + rng.int(most - least)
      const denominator = 1 + rng.int(1_000)
      const part = rng.int(denominator)
      const quick = levelOf(members)
      const exact = levelOf(members)
      expect(fillQuickly(quick, whole, part, denominator)).toBe(true)
      fillExactly(exact, { whole, part: BigInt(part), denominator: BigInt(denominator) })
      expect(amountsOf(quick), `run ${run}`).toEqual(amountsOf(exact))
      expect(quick.lambda).toBeCloseTo(exact.lambda, 9)
    }
  })

  it('hands an input over when products pass 2^52 or the guesses are led astray', () => {
    const heavy = levelOf([
      { weight: 2 ** 30, floor: 0, cap: 2 ** 40 },
      { weight: 1, floor: 0, cap: 2 ** 40 },
    ])
    expect(fillQuickly(heavy, 2 ** 40, 0, 1)).toBe(false)

    // Every guess passes one cap alone, by less each time, and its heavy owner's excess lifts the next guess just past the next.
    const weights = Array.from({ length: 25 }, (_, k) => 2 ** (24 - k))
    let guess = 2 ** 25
    let gap = 1_000
    const astray = weights.map((weight): Member => {
      const cap = Math.round(weight * (guess - gap))
      guess += gap
      gap *= 0.95
      return { weight, floor: 0, cap }
    })
    const whole = 2 ** 25 * weights.reduce((sum, weight) => sum + weight, 1)
    const slow = levelOf([...astray, { weight: 1, floor: 0, cap: whole }])
    expect(fillQuickly(slow, whole, 0, 1)).toBe(false)
    fillExactly(slow, { whole, part: 0n, denominator: 1n })
    expect(slow.wholes.subarray(0, slow.size).reduce((sum, amount) => sum + amount, 0)).toBe(whole)
  })
})
