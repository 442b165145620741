import { type ClusterInput, divideCluster } from '@kvasir/allocation'
import { engineTermsSchema, type ModelChange } from '@kvasir/contracts'
import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { ClusterWorld, type WorldEngine } from '../testing/cluster-world.js'
import { ClusterMachine } from './cluster-machine.js'

const SEED = 20_241_121
const ROUND_US = 100_000
/** Units of a pool of engines that compute 10,000 tokens a second, in a round. */
const CAPACITY = 1_000

/** `a` is beside `b`, and with `c` elsewhere: pool by pool it would have 500 + 250 tokens, `b` 500, `c` 750. */
const SKEWED = {
  terms: { a: { weight: 1 }, b: { weight: 1 }, c: { weight: 3 } },
  pools: [
    [
      { engine: 'a0', model: 'a', tokens: 5_000 },
      { engine: 'b0', model: 'b', tokens: 5_000 },
    ],
    [
      { engine: 'a1', model: 'a', tokens: 5_000 },
      { engine: 'c1', model: 'c', tokens: 5_000 },
    ],
  ],
}

function targetOf(world: ClusterWorld, weights: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const input: ClusterInput = {
    models: [...weights].map(([id, weight]) => ({ id, weight })),
    pools: world.engines.map((engines) => ({
      capacity: CAPACITY,
      engines: engines.map(({ engine, model, tokens }) => {
        const wakeUp = Math.floor((CAPACITY * 0.02) / engines.length)
        const demand = Math.min(CAPACITY, Math.max(wakeUp, tokens))
        return { engine, model, guarantee: 0, limit: CAPACITY, demand }
      }),
    })),
  }
  return new Map(divideCluster(input).targets.map(({ model, exact }) => [model, exact]))
}

/** Largest distance of a model's budget from its target, beyond a token an engine, as a share of the target. */
function deviation(world: ClusterWorld, target: ReadonlyMap<string, number>): number {
  const budgets = world.budgets()
  const off = [...target].map(([model, exact]) => {
    const engines = world.engines.flat().filter((engine) => engine.model === model).length
    return engines === 0 ? 0 : Math.max(0, Math.abs((budgets.get(model) ?? 0) - exact) - engines) / exact
  })
  return Math.max(...off)
}

function change(model: string, revision: number, terms: object = {}): ModelChange {
  return { model, revision, terms: engineTermsSchema.parse(terms), draining: false }
}

describe('the cluster machine', () => {
  it('brings models to their shares of the whole cluster within five rounds, and pools back to their own without it', () => {
    const world = new ClusterWorld(SKEWED)
    const own = new Map([
      ['a', 750],
      ['b', 500],
      ['c', 750],
    ])
    const target = targetOf(
      world,
      new Map([
        ['a', 1],
        ['b', 1],
        ['c', 3],
      ]),
    )
    // All the second pool has but the one token of an engine with demand.
    expect([...target.values()].map(Math.floor)).toEqual([500, 500, 999])
    world.pass(5 * ROUND_US)
    expect(deviation(world, target)).toBeLessThan(0.005)

    world.cut = true
    world.pass(2_500_000)
    expect(deviation(world, target), 'held').toBeLessThan(0.005)
    world.pass(2_000_000)
    expect([...world.budgets()]).toEqual([...own])

    world.cut = false
    world.pass(2_000_000)
    expect(deviation(world, target), 'again').toBeLessThan(0.005)
  })

  it(`is at its targets after five rounds in random clusters, and nearly so after five more when demand has changed, seed ${SEED}`, () => {
    const rng = new SeededRng(SEED, 'cluster machine')
    const worst = { first: 0, changed: 0, told: 0 }
    for (let run = 0; run < 40; run++) {
      const models = Array.from({ length: 2 + rng.int(5) }, (_, m) => `m${m}`)
      const weights = new Map(models.map((model) => [model, 1 + rng.int(8)]))
      const demand = (): number => (rng.int(5) === 0 ? 0 : 50 + rng.int(2_000))
      const pools = Array.from({ length: 2 + rng.int(4) }, (_, p) =>
        models
          .filter((_, m) => rng.int(2) === 0 || m % 2 === p % 2)
          .map((model): WorldEngine => ({ engine: `${model}-${p}`, model, tokens: demand() })),
      )
      const terms = Object.fromEntries([...weights].map(([model, weight]) => [model, { weight }]))
      const world = new ClusterWorld({ terms, pools })
      const note = (when: keyof typeof worst, us: number, atMost: number): void => {
        world.pass(us)
        const off = deviation(world, targetOf(world, weights))
        worst[when] = Math.max(worst[when], off)
        expect(off, `run ${run}, ${when}`).toBeLessThan(atMost)
      }
      note('first', 5 * ROUND_US, 0.005)
      world.engines.forEach((engines) =>
        engines.forEach((engine, i) => (engines[i] = { ...engine, tokens: demand() })),
      )
      world.beat()
      // What changed but a little is told with the next regular report.
      note('changed', 5 * ROUND_US, 0.1)
      note('told', 10 * ROUND_US, 0.005)
    }
    console.info(`farthest from a target: ${JSON.stringify(worst)}`)
  })

  it('is not misled by documents that are lost, doubled or out of order', () => {
    const rng = new SeededRng(SEED, 'mail')
    const world = new ClusterWorld(SKEWED)
    const weights = new Map([
      ['a', 4],
      ['b', 1],
      ['c', 3],
    ])
    world.mail = (document) => {
      const earlier = world.documents.filter(({ pool }) => pool === document.pool)
      if (rng.int(3) === 0) return []
      return [document, document, earlier[rng.int(earlier.length)]]
    }
    world.pass(1_000_000)
    world.tell({ kind: 'change', change: change('a', 1, { weight: 4 }) })
    world.pass(4_000_000)
    expect(deviation(world, targetOf(world, weights))).toBeLessThan(0.005)
    for (const pool of world.pools)
      expect(pool.pool.members.find(({ model }) => model === 'a')?.terms.weight).toBe(4)
  })

  it('takes changes in the order of their revisions, and the same one twice', () => {
    const world = new ClusterWorld(SKEWED)
    const answer = (given: ModelChange) =>
      world
        .tell({ kind: 'change', change: given })
        .flatMap((effect) => (effect.kind === 'changed' ? effect.answer : []))
    expect(answer(change('a', 2, { weight: 2 }))).toEqual([{ kind: 'accepted', revision: 2 }])
    expect(answer(change('a', 2, { weight: 2 }))).toEqual([{ kind: 'unchanged', revision: 2 }])
    expect(answer(change('a', 2, { weight: 3 }))).toEqual([{ kind: 'conflict', revision: 2 }])
    expect(answer(change('a', 1, { weight: 3 }))).toEqual([{ kind: 'stale', revision: 2 }])
    expect(world.cluster.pack().models.map(({ revision }) => revision)).toEqual([2])
  })

  it('keeps engines of a draining model from joining until it drains no more', () => {
    const world = new ClusterWorld(SKEWED)
    world.pass(300_000)
    world.tell({ kind: 'change', change: { ...change('b', 1), draining: true } })
    world.pass(300_000)
    const [pool] = world.pools
    pool.join('b9', { model: 'b' })
    expect(pool.pool.members.map(({ engine }) => engine)).toEqual(['a0', 'b0'])
    world.tell({ kind: 'change', change: change('b', 2) })
    world.pass(300_000)
    pool.join('b9', { model: 'b' })
    expect(pool.pool.members.map(({ engine }) => engine)).toEqual(['a0', 'b0', 'b9'])
  })

  it('gives an engine that no plan knows yet its model’s weight beside the planned ones', () => {
    const world = new ClusterWorld(SKEWED)
    world.pass(500_000)
    world.cut = true
    world.engines[1].push({ engine: 'd1', model: 'c', tokens: 5_000 })
    world.pools[1].join('d1', { model: 'c' })
    world.beat()
    world.pass(200_000)
    // Own weights are 1, 3 and 3: whatever the planned ones are, the newcomer has three sevenths.
    const tokens = world.pools[1].document('d1').budget.tokens
    expect(Math.abs(tokens - (3 / 7) * CAPACITY)).toBeLessThan(2)
  })

  it('forgets pools it hears nothing of, and plans for the others', () => {
    const world = new ClusterWorld(SKEWED)
    world.pass(500_000)
    const second = world.pools[1]
    second.observer = () => {}
    world.pass(5_000_000)
    const last = world.documents.filter(({ pool }) => pool === 'p1').at(-1)
    const newest = world.documents.at(-1)
    expect(newest?.pool).toBe('p0')
    expect(last?.sequence).toBeLessThan(newest?.sequence ?? 0)
    // Alone in view, the first pool divides by its models' own weights.
    expect(newest?.weights.map(({ weight }) => weight)).toEqual([1, 1])
  })

  it('that does not weigh tells a pool what operators have changed, and nothing else', () => {
    const machine = new ClusterMachine({ epoch: 1, gatherUs: 0, weighs: false })
    const engine = { engine: 'a0', model: 'a', weight: 1, guaranteeUnits: 0, limitUnits: 9, heard: true }
    const report = (sequence: number, demandUnits: number) => ({
      pool: 'p0',
      epoch: 1,
      sequence,
      capacityUnits: 9,
      models: ['a'],
      engines: [{ ...engine, demandUnits }],
    })
    const first = machine.step(0, { kind: 'report', report: report(1, 0) })
    expect(first).toMatchObject([{ kind: 'shares', document: { pool: 'p0', weights: [], models: [] } }])
    expect(machine.step(100, { kind: 'report', report: report(2, 9) })).toEqual([])
    expect(machine.nextDeadline()).toBeUndefined()
    const [, told] = machine.step(200, { kind: 'change', change: change('a', 1) })
    expect(told).toMatchObject({ kind: 'shares', document: { models: [{ model: 'a' }] } })
  })

  it('goes on from what the last owner has packed, under a newer epoch', () => {
    const world = new ClusterWorld(SKEWED)
    world.tell({ kind: 'change', change: change('a', 3, { weight: 5 }) })
    world.pass(500_000)
    const successor = new ClusterMachine({ epoch: 2, gatherUs: 0 }, world.cluster.pack())
    const [first] = world.reports
    expect(successor.step(world.now, { kind: 'report', report: first })).toEqual([
      expect.objectContaining({ kind: 'planned' }),
      expect.objectContaining({
        kind: 'shares',
        document: expect.objectContaining({ epoch: 2, sequence: 1 }),
      }),
    ])
    expect(successor.pack().models).toEqual([change('a', 3, { weight: 5 })])
  })
})
