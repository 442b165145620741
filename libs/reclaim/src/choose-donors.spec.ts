import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { chooseDonors, reachableBundles } from './choose-donors.js'
import type { Choice, ChoiceInput, DonorClass } from './donor-class.js'
import { kapslDonor } from './kapsl-donor.js'
import {
  asCurves,
  asGroups,
  eligibleBundles,
  leastCost,
  type PreemptionInstance,
  randomPreemption,
} from './testing/choice-instances.js'

type Chosen = Extract<Choice, { kind: 'chosen' }>

function chosen(choice: Choice): Chosen {
  if (choice.kind === 'infeasible') throw new Error(`infeasible: ${choice.available} available`)
  return choice
}

function group(donor: string, bundles: number, cost: number, priority = 0): DonorClass {
  return { donor, priority, points: [{ bundles, cost }] }
}

describe('chooseDonors', () => {
  it('takes the cheapest cover over all donors together', () => {
    const classes = [group('a', 6, 10), group('b', 6, 11), group('c', 12, 30)]
    expect(chosen(chooseDonors({ needed: 10, classes }))).toEqual({
      kind: 'chosen',
      picks: [
        { classIndex: 0, donor: 'a', priority: 0, bundles: 6, cost: 10 },
        { classIndex: 1, donor: 'b', priority: 0, bundles: 6, cost: 11 },
      ],
      cost: 21,
      freed: 12,
      exact: true,
    })
  })

  it('is not led astray by a huge group that is cheap per bundle, exact or greedy', () => {
    const classes = [group('a', 1_000, 900), group('b', 2, 4)]
    expect(chosen(chooseDonors({ needed: 2, classes })).cost).toBe(4)
    expect(chosen(chooseDonors({ needed: 2, classes, exactCellsMax: 0 })).cost).toBe(4)
  })

  it('takes one point of a supply curve at most', () => {
    const curve = {
      donor: 'a',
      priority: 1,
      points: [1, 2, 4, 8].map((bundles) => ({ bundles, cost: bundles ** 2 })),
    }
    const choice = chosen(chooseDonors({ needed: 7, classes: [curve, group('b', 3, 5)] }))
    expect([choice.cost, choice.freed]).toEqual([21, 7])
  })

  it('says how much there is when it is not enough, and takes it when that is enough for the least', () => {
    const classes = [group('a', 3, 1), group('b', 4, 1)]
    expect(chooseDonors({ needed: 10, classes })).toEqual({ kind: 'infeasible', available: 7 })
    expect(chooseDonors({ needed: 10, min: 8, classes })).toEqual({ kind: 'infeasible', available: 7 })
    expect(chosen(chooseDonors({ needed: 10, min: 5, classes })).freed).toBe(7)
  })

  it('needs nobody for nothing', () => {
    expect(chosen(chooseDonors({ needed: 0, classes: [group('a', 1, 1)] })).picks).toEqual([])
  })

  it('keeps every donor within its room, even where only an odd combination fits', () => {
    const classes = [group('a', 6, 1), group('a', 5, 2), group('a', 4, 3), group('b', 2, 50)]
    const rooms = new Map([['a', 9]])
    const choice = chosen(chooseDonors({ needed: 9, classes, rooms }))
    expect(choice.picks.map(({ bundles }) => bundles)).toEqual([5, 4])
    expect(chooseDonors({ needed: 12, classes, rooms })).toEqual({ kind: 'infeasible', available: 11 })
    expect(reachableBundles(classes, rooms)).toBe(11)
  })

  it('fails loudly on an impossible offer', () => {
    expect(() => chooseDonors({ needed: 1, classes: [group('a', 1, Number.NaN)] })).toThrow(
      /1 bundles at NaN/,
    )
  })

  const seed = 2_024
  it(`finds the least cost of everything that could be tried, with and without rooms, seed ${seed}`, () => {
    const rng = new SeededRng(seed, 'brute force')
    for (let run = 0; run < 1_500; run++) {
      const classes = Array.from({ length: 1 + rng.int(7) }, (): DonorClass => {
        const points = Array.from({ length: 1 + rng.int(3) }, () => ({
          bundles: 1 + rng.int(12),
          cost: rng.int(40),
        }))
        return { donor: `d${rng.int(3)}`, priority: rng.int(3), points }
      })
      const rooms = new Map(
        ['d0', 'd1', 'd2'].filter(() => rng.int(2) === 0).map((donor) => [donor, rng.int(20)]),
      )
      const input = { needed: 1 + rng.int(30), classes, rooms }
      const least = leastCost(input)
      const choice = chooseDonors(input)
      const where = `seed ${seed}, run ${run}: ${JSON.stringify(classes)} rooms ${JSON.stringify([...rooms])} needed ${input.needed}`
      expect(choice.kind === 'chosen' ? choice.cost : Infinity, where).toBe(least)
      checkChoice(input, choice, where)
      const greedy = chooseDonors({ ...input, exactCellsMax: 0 })
      expect(greedy.kind, where).toBe(choice.kind)
      checkChoice(input, greedy, where)
    }
  })

  it('does not depend on the order of classes', () => {
    const rng = new SeededRng(seed, 'order')
    for (let run = 0; run < 300; run++) {
      const input = asGroups(randomPreemption(rng))
      const turned = { ...input, classes: [...input.classes].reverse() }
      for (const exactCellsMax of [undefined, 0]) {
        const limit = exactCellsMax === undefined ? {} : { exactCellsMax }
        const [first, second] = [chooseDonors({ ...input, ...limit }), chooseDonors({ ...turned, ...limit })]
        expect(contents(second), `seed ${seed}, run ${run}`).toEqual(contents(first))
      }
    }
  })
})

/** What was chosen, without positions. */
function contents(choice: Choice): unknown {
  if (choice.kind === 'infeasible') return choice
  return choice.picks
    .map(({ donor, priority, bundles, cost }) => `${donor} ${priority} ${bundles} ${cost}`)
    .sort()
}

/** Covers, within rooms, one point a class, irredundant. */
function checkChoice(input: ChoiceInput, choice: Choice, where: string): void {
  if (choice.kind === 'infeasible') return
  const { needed, classes, rooms } = input
  expect(choice.freed, where).toBeGreaterThanOrEqual(needed)
  expect(new Set(choice.picks.map(({ classIndex }) => classIndex)).size, where).toBe(choice.picks.length)
  const freed = new Map<string, number>()
  for (const { classIndex, donor, bundles, cost } of choice.picks) {
    expect(classes[classIndex].points, where).toContainEqual({ bundles, cost })
    freed.set(donor, (freed.get(donor) ?? 0) + bundles)
    expect(choice.freed - bundles, where).toBeLessThan(needed)
  }
  for (const [donor, bundles] of freed)
    expect(bundles, where).toBeLessThanOrEqual(rooms?.get(donor) ?? Infinity)
}

describe('against the exact optimum over 10,000 random preemptions', () => {
  const seed = 10_000
  const runs = 10_000

  interface Comparison {
    /** Cost over the optimum's. */
    readonly ratios: number[]
    freed: number
    denied: number
  }

  function compare(shape: (instance: PreemptionInstance) => ChoiceInput) {
    const rng = new SeededRng(seed, 'optimum')
    const configured: Comparison = { ratios: [], freed: 0, denied: 0 }
    const greedy: Comparison = { ratios: [], freed: 0, denied: 0 }
    let needed = 0
    for (let run = 0; run < runs; run++) {
      const instance = randomPreemption(rng)
      const input = shape(instance)
      if (reachableBundles(input.classes) < input.needed) continue
      needed += input.needed
      const best = chosen(chooseDonors({ ...input, exactCellsMax: Infinity }))
      record(configured, chooseDonors(input), best)
      record(greedy, chooseDonors({ ...input, exactCellsMax: 0 }), best)
    }
    return { configured: summary(configured, needed), greedy: summary(greedy, needed) }
  }

  function record(comparison: Comparison, choice: Choice, best: Chosen): void {
    if (choice.kind === 'infeasible') comparison.denied++
    else {
      comparison.ratios.push(choice.cost / best.cost)
      comparison.freed += choice.freed
    }
  }

  function summary({ ratios, freed, denied }: Comparison, needed: number) {
    ratios.sort((a, b) => a - b)
    return {
      count: ratios.length,
      mean: ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length,
      p99: ratios[Math.floor(0.99 * ratios.length)],
      worst: ratios[ratios.length - 1],
      denied,
      overFreed: freed / needed,
    }
  }

  it.each([
    { name: 'whole groups', shape: asGroups },
    { name: 'supply curves', shape: asCurves },
  ])(
    '$name: costs 1.02 on average, 1.2 in 99 of 100 and 2 at most, and denies nothing feasible',
    ({ name, shape }) => {
      const { configured, greedy } = compare(shape)
      for (const [how, result] of [
        ['as configured', configured],
        ['greedy orders alone', greedy],
      ] as const) {
        const { count, mean, p99, worst, denied, overFreed } = result
        console.info(
          `${name}, ${how}, seed ${seed}, ${count} feasible: cost / optimum mean ${mean.toFixed(4)}, p99 ${p99.toFixed(3)}, worst ${worst.toFixed(3)}; denied ${denied}; freed / needed ${overFreed.toFixed(3)}`,
        )
        expect(count).toBeGreaterThan(9_000)
        expect(mean).toBeLessThanOrEqual(1.02)
        expect(p99).toBeLessThanOrEqual(1.2)
        expect(worst).toBeLessThanOrEqual(2)
        expect(denied).toBe(0)
        expect(overFreed).toBeLessThanOrEqual(1.2)
      }
    },
  )

  it('beats the single-donor rule of the earlier system on the same instances', () => {
    const rng = new SeededRng(seed, 'optimum')
    let [feasible, denied, inversions, cost, least, freed, needed] = [0, 0, 0, 0, 0, 0, 0]
    for (let run = 0; run < runs; run++) {
      const instance = randomPreemption(rng)
      if (eligibleBundles(instance) < instance.needed) continue
      feasible++
      const { donors } = instance
      const donor = kapslDonor({
        registered: ['requester', ...donors.map(({ id }) => id)],
        requester: 'requester',
        needed: instance.needed,
        priority: instance.priority,
        lowestRunning: new Map(
          donors.map(({ id, groups }) => [id, Math.min(...groups.map(({ priority }) => priority))]),
        ),
        freeable: new Map(
          donors.map(({ id, groups }) => [id, groups.reduce((sum, { bundles }) => sum + bundles, 0)]),
        ),
      })
      if (donor === null) {
        denied++
        continue
      }
      // Its engines stop the lowest priority first, whatever that costs, until there is enough.
      const groups = [...(donors.find(({ id }) => id === donor)?.groups ?? [])].sort(
        (a, b) => a.priority - b.priority,
      )
      let covered = 0
      let inverted = false
      for (const { priority, bundles, cost: price } of groups) {
        if (covered >= instance.needed) break
        covered += bundles
        cost += price
        inverted ||= priority >= instance.priority
      }
      inversions += inverted ? 1 : 0
      freed += covered
      needed += instance.needed
      least += chosen(chooseDonors(asGroups(instance))).cost
    }
    const percent = (count: number, of: number): string => `${((100 * count) / of).toFixed(1)} %`
    console.info(
      [
        `the earlier single-donor rule, seed ${seed}, ${feasible} feasible:`,
        `| | earlier rule | ours |`,
        `|---|---|---|`,
        `| feasible denied | ${percent(denied, feasible)} | 0 % |`,
        `| granted by stopping work that outranks the request | ${percent(inversions, feasible - denied)} | 0 % |`,
        `| cost / optimum, total | ${(cost / least).toFixed(2)} | 1.00 |`,
        `| freed / needed, total | ${(freed / needed).toFixed(2)} | see above |`,
      ].join('\n'),
    )
    expect(denied).toBeGreaterThan(0)
    expect(inversions).toBeGreaterThan(0)
    expect(cost).toBeGreaterThan(least)
  })
})
