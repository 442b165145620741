import type { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { divide } from './divide.js'
import type { DivisionInput } from './division.js'
import { type InstanceShape, shuffled, wide } from './testing/instances.js'
import { compareRationals, oracle, type Rational, whole } from './testing/oracle.js'
import { sweepInputs } from './testing/sweep.js'

const SEED = 20_241_122
const SHAPE: InstanceShape = { claimsMax: 8, capacityMax: 5_000, weightMax: 16 }

function sweep(name: string, check: (input: DivisionInput, rng: SeededRng) => string | undefined): void {
  sweepInputs({ seed: SEED, name, runs: 4_000, shape: SHAPE }, check)
}

/** Whether there are fewer units than claims with demand: nobody is sure of one then. */
function isShort({ capacity, claims }: DivisionInput, caps: readonly number[]): boolean {
  return capacity < claims.filter((_, i) => caps[i] > 0).length
}

/** Whoever of those watched has less after than before, in exact amounts; undefined, too, when the unit for everybody comes or goes. */
function loser(
  before: DivisionInput,
  after: DivisionInput,
  watched: (claim: number) => boolean,
): string | undefined {
  const [first, second] = [oracle(before), oracle(after)]
  if (isShort(before, first.caps) !== isShort(after, second.caps)) return undefined
  const lost = first.exact.findIndex(
    (amount, i) => watched(i) && compareRationals(amount, second.exact[i]) > 0,
  )
  return lost < 0 ? undefined : `${lost} lost`
}

describe(`exact amounts, seed ${SEED}`, () => {
  it('never fall when there is more capacity, unless a largest share grows with it', () => {
    let [shared, fell] = [0, 0]
    sweep('capacity', (input, rng) => {
      const lost = loser(input, { ...input, capacity: input.capacity + 1 + wide(rng, 500) }, () => true)
      if (input.maxShare === undefined) return lost
      // Those held at the largest share may together take more than what was added.
      shared++
      if (lost !== undefined) fell++
      return undefined
    })
    console.info(`capacity: with a largest share somebody lost in ${fell} of ${shared} pairs`)
    expect(fell / shared).toBeLessThan(0.01)
  })

  it('never fall for whom the weight is raised, nor rise for the others', () =>
    sweep('weight', (input, rng) => {
      const raised = rng.int(input.claims.length)
      const more = 1 + rng.int(20)
      const after = {
        ...input,
        claims: input.claims.map((claim, i) =>
          i === raised ? { ...claim, weight: claim.weight + more } : claim,
        ),
      }
      return loser(input, after, (i) => i === raised) ?? loser(after, input, (i) => i !== raised)
    }))

  it('never fall when others leave', () =>
    sweep('population', (input, rng) => {
      const leaver = rng.int(input.claims.length)
      const claims = input.claims.map((claim, i) => (i === leaver ? { ...claim, demand: 0 } : claim))
      return loser(input, { ...input, claims }, (i) => i !== leaver)
    }))

  it('give nobody more of what it can use for saying a false demand', () =>
    sweep('truth', (input, rng) => {
      const liar = rng.int(input.claims.length)
      const said = rng.int(5) === 0 ? Infinity : wide(rng, 2 * input.capacity + 2)
      const lie = {
        ...input,
        claims: input.claims.map((claim, i) => (i === liar ? { ...claim, demand: said } : claim)),
      }
      const [honest, dishonest] = [oracle(input), oracle(lie)]
      if (isShort(input, honest.caps) !== isShort(lie, dishonest.caps)) return undefined
      const useful = smaller(dishonest.exact[liar], whole(honest.caps[liar]))
      return compareRationals(useful, honest.exact[liar]) > 0 ? `${liar} gains by saying ${said}` : undefined
    }))
})

function smaller(a: Rational, b: Rational): Rational {
  return compareRationals(a, b) < 0 ? a : b
}

describe(`whole amounts, seed ${SEED}`, () => {
  it('are the same when all weights are multiplied by a whole number', () =>
    sweep('weights', (input, rng) => {
      const factor = 2 + rng.int(1_000)
      const claims = input.claims.map((claim) => ({ ...claim, weight: claim.weight * factor }))
      const [first, second] = [divide(input), divide({ ...input, claims })]
      const same = first.amounts.every((amount, i) => amount === second.amounts[i])
      return same && first.lent.every((units, i) => units === second.lent[i])
        ? undefined
        : `${first.amounts.join()} became ${second.amounts.join()} at ${factor} x`
    }))

  it('depend on names only for who gets a rounding unit', () =>
    sweep('names', (input, rng) => {
      const names = shuffled(
        rng,
        input.claims.map(({ id }) => id),
      )
      const first = divide(input)
      const renamed = divide({
        ...input,
        claims: input.claims.map((claim, i) => ({ ...claim, id: names[i] })),
      })
      const moved = first.amounts.findIndex(
        (amount, i) =>
          first.exact[i] !== renamed.exact[i] ||
          Math.abs(amount - renamed.amounts[i]) > (Number.isInteger(first.exact[i]) ? 0 : 1),
      )
      return moved < 0 ? undefined : `${moved} moved`
    }))
})

describe('a lending limit', () => {
  const base = { weight: 1, limit: Infinity, demand: Infinity, guarantee: 0 }

  it('keeps part of an idle guarantee from everybody, as an amount and as a loan', () => {
    const claims = [
      { ...base, id: 'a', guarantee: 600, lendingLimit: 200, demand: 100 },
      { ...base, id: 'b' },
    ]
    const { amounts, exact, lent } = divide({ capacity: 1000, claims })
    // Of 600, 400 are not lent; 100 of them are used.
    expect([amounts, exact, lent]).toEqual([
      [100, 600],
      [100, 600],
      [0, 0],
    ])
    const idle = divide({ capacity: 1000, claims: [claims[0], { ...base, id: 'b', demand: 50 }] })
    expect(idle.amounts).toEqual([100, 50])
    expect(idle.lent[0] + idle.lent[1]).toBe(1000 - 400 - 50)
  })

  it('does the same inside a group', () => {
    const claims = [
      { ...base, id: 'a', group: 'g', guarantee: 600, lendingLimit: 200, demand: 0 },
      { ...base, id: 'b', group: 'g' },
    ]
    const { amounts } = divide({ capacity: 1000, claims, groups: [{ id: 'g', weight: 1 }] })
    expect(amounts).toEqual([0, 600])
  })

  it(`gives nobody what is kept, and changes nothing where the guarantee is in use, seed ${SEED}`, () =>
    sweep('lending', (plain, rng) => {
      const claims = plain.claims.map((claim) =>
        rng.int(2) === 0 ? claim : { ...claim, lendingLimit: wide(rng, claim.guarantee + 3) },
      )
      const { amounts, lent } = divide({ ...plain, claims })
      const { caps, overcommitted } = oracle(plain)
      const used = amounts.reduce((sum, amount, i) => sum + amount + lent[i], 0)
      const kept = claims.map(({ guarantee, limit, health, lendingLimit = Infinity }, i) =>
        health === undefined ? Math.max(0, Math.min(guarantee, limit) - lendingLimit - caps[i]) : 0,
      )
      const over = amounts.findIndex((amount, i) => amount > caps[i])
      if (over >= 0) return `${over} got ${amounts[over]} of ${caps[over]}`
      const keptSum = kept.reduce((sum, units) => sum + units, 0)
      const shareMax = plain.maxShare === undefined
      const fits = claims.reduce((sum, { guarantee }) => sum + guarantee + 1, 0) <= plain.capacity
      if (shareMax && fits && !overcommitted && used > plain.capacity - keptSum)
        return `${used} used although ${keptSum} are kept`
      if (keptSum > 0) return undefined
      const same = divide(plain).amounts.every((amount, i) => amount === amounts[i])
      return same ? undefined : 'amounts differ although nothing is kept'
    }))
})
