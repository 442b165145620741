import type { DecisionRecord, PolicyName } from '@kvasir/contracts'
import { DecisionReplay } from '@kvasir/coordinator-core'
import { invariant, SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { Simulation } from '../simulation.js'
import { LawWatch } from '../testing/law-watch.js'
import { randomCluster } from '../testing/random-cluster.js'
import type { FaultPlan } from './fault-plan.js'

const SECOND = 1_000_000
const SEEDS = Number(process.env['KVASIR_FAULT_SEEDS'] ?? 40)
const FIRST_SEED = Number(process.env['KVASIR_FAULT_FIRST'] ?? 1)
const EVENTS_MAX = 60_000

/** Three to eight faults in the seconds in which a random cluster has work; groups are among what breaks under every other seed. */
function randomFaults(seed: number): FaultPlan[] {
  const rng = new SeededRng(seed, 'what breaks')
  return Array.from({ length: 3 + rng.int(6) }, (): FaultPlan => {
    const timing = { kind: 'at', atUs: rng.int(4 * SECOND) } as const
    const target = rng.int(4) === 0 ? ({ kind: 'all' } as const) : undefined
    const perhaps = (us: number) => (rng.int(2) === 0 ? undefined : rng.int(us))
    switch (rng.int(seed % 2 === 0 ? 4 : 3)) {
      case 0:
        return { kind: 'coordinator', timing, target, forUs: perhaps(3 * SECOND) }
      case 1:
        return { kind: 'engine', timing, target, restartUs: rng.int(2 * SECOND), loadUs: perhaps(SECOND) }
      case 2:
        return { kind: 'store', timing, forUs: rng.int(12 * SECOND), keepsData: rng.int(3) > 0 }
      default:
        return { kind: 'group', timing, target, forUs: perhaps(6 * SECOND), loadUs: undefined }
    }
  })
}

interface Options {
  readonly policy?: PolicyName
  readonly sharing?: 'spatial'
  readonly decisions?: (record: DecisionRecord) => void
}

function watched(seed: number, { decisions, ...options }: Options = {}): Simulation {
  const { plan: cluster, requests } = randomCluster(seed, options)
  const plan = { ...cluster, faults: randomFaults(seed) }
  const watch = new LawWatch(plan)
  const simulation = new Simulation(plan, {
    requests: requests(),
    trace: (record) => watch.record(record),
    inspect: (world) => watch.inspect(world),
    ...(decisions ? { decisions } : {}),
  })
  while (!simulation.run(10_000))
    invariant(simulation.events < EVENTS_MAX, () => `${simulation.events} events`)
  watch.close(simulation)
  return simulation
}

function named<T>(seed: number, run: () => T): T {
  try {
    return run()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const faults = JSON.stringify(randomFaults(seed))
    throw new Error(`random cluster with seed ${seed}: ${message}, with ${faults}`, { cause: error })
  }
}

describe('a cluster in which things break', () => {
  it(`keeps the laws in ${SEEDS} random clusters from seed ${FIRST_SEED}, whatever is lost in the middle`, {
    timeout: 600_000,
  }, () => {
    const met = new Map<string, number>()
    const count = (what: string, by: number) => met.set(what, (met.get(what) ?? 0) + by)
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const { summary } = named(seed, () => watched(seed)).result()
      expect(summary.conditions, `seed ${seed}`).not.toContain('stuck')
      for (const { kind } of summary.faults?.list ?? []) count(kind, 1)
      count('finished', summary.requests.finished)
      count('retried', summary.faults?.retried ?? 0)
      count('lost', summary.faults?.lost ?? 0)
      count('owners again', summary.faults?.ownedUs.count ?? 0)
      count('budgets again', summary.faults?.budgetsUs.count ?? 0)
    }
    console.info(`faults: ${JSON.stringify(Object.fromEntries(met))}`)
    for (const [what, times] of met) expect(times, what).toBeGreaterThan(0)
  })

  it('is the same for the same seed, and its log of decisions replays to the same bytes', () => {
    for (const seed of [3, 14, 15]) {
      const replay = new DecisionReplay()
      const decisions = (record: DecisionRecord) =>
        expect(JSON.stringify(replay.next(record)), `seed ${seed}`).toBe(JSON.stringify(record))
      const first = watched(seed, { decisions })
      expect(first.result(), `seed ${seed}`).toEqual(watched(seed).result())
    }
  })

  it.each(['static', 'uncoordinated'] as const)('keeps them under the policy %s too', (policy) => {
    for (let seed = 1; seed <= 6; seed++) named(seed, () => watched(seed, { policy }))
  })

  it('keeps them where steps run side by side', () => {
    for (let seed = 1; seed <= 6; seed++) named(seed, () => watched(seed, { sharing: 'spatial' }))
  })
})
