import type { DecisionRecord, PolicyName, TraceRecord } from '@kvasir/contracts'
import { DecisionReplay, firstDifference, replayRecord } from '@kvasir/coordinator-core'
import { describe, expect, it } from 'vitest'
import { Simulation } from './simulation.js'
import { LawWatch } from './testing/law-watch.js'
import { randomCluster } from './testing/random-cluster.js'

const CLUSTERS = 1_000
const FIRST_SEED = 1
/** These clusters need less than 3,000 events; machines that answer each other without end made 100,000 of one. */
const EVENTS_MAX = 20_000
/** Of the decisions of each cluster, one in so many is taken again. */
const REPLAY_EVERY = 8

/** Runs one random cluster to its end under the watch of the laws. */
function watched(
  seed: number,
  options: { readonly policy?: PolicyName; readonly sharing?: 'spatial' } = {},
): { readonly watch: LawWatch; readonly simulation: Simulation } {
  const { plan, requests } = randomCluster(seed, options)
  const watch = new LawWatch(plan)
  let decisions = seed
  const simulation = new Simulation(plan, {
    requests: requests(),
    trace: (record) => watch.record(record),
    decisions: (record) => {
      if (++decisions % REPLAY_EVERY === 0) expectSameAgain(record)
    },
    inspect: (world) => watch.inspect(world),
  })
  while (!simulation.run(10_000))
    expect(simulation.events, `seed ${seed} does not end`).toBeLessThan(EVENTS_MAX)
  // Fixed shares and single donors can leave a large request waiting for ever: the summary says so, and nothing is lost.
  const { conditions, requests: counts } = simulation.result().summary
  if (options.policy === 'kapsl-compat' && conditions.includes('stuck'))
    expect(counts.unfinished).toBeGreaterThan(0)
  else watch.close(simulation)
  return { watch, simulation }
}

function named<T>(seed: number, run: () => T): T {
  try {
    return run()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new Error(`random cluster with seed ${seed}: ${message}`, { cause: error })
  }
}

/** A record that was written and read gives the same decision again. */
function expectSameAgain(record: DecisionRecord): void {
  const read: DecisionRecord = JSON.parse(JSON.stringify(record))
  expect(firstDifference(record, replayRecord(read)), `${record.kind} at ${record.atUs} us`).toBeUndefined()
}

function traceOf(seed: number, options: { readonly sharing?: 'spatial' } = {}): string {
  const { plan, requests } = randomCluster(seed, options)
  const lines: string[] = []
  const simulation = new Simulation(plan, {
    requests: requests(),
    trace: (record: TraceRecord) => lines.push(JSON.stringify(record)),
  })
  while (!simulation.run(100_000)) continue
  return `${lines.join('\n')}\n${JSON.stringify(simulation.result())}`
}

describe('the laws of the design', () => {
  it(`hold in ${CLUSTERS} random clusters from seed ${FIRST_SEED}, with engines joining and leaving`, {
    timeout: 600_000,
  }, () => {
    const met = new Map<string, number>()
    const longest = { answerUs: 0, unservedUs: 0, returnUs: 0 }
    const count = (what: string, by: number) => met.set(what, (met.get(what) ?? 0) + by)
    for (let seed = FIRST_SEED; seed < FIRST_SEED + CLUSTERS; seed++) {
      const { watch, simulation } = named(seed, () => watched(seed))
      const { requests, preemptions, conditions } = simulation.result().summary
      expect(conditions, `seed ${seed}`).not.toContain('stuck')
      count('finished', requests.finished)
      count('rejected', requests.rejected)
      count('ended because their engine left', requests.rejectedBy.engine_left ?? 0)
      count('preemption requests', preemptions.brokered)
      count('granted', preemptions.granted)
      count('granted in part', preemptions.partial)
      count('denied', preemptions.denied)
      count('stopped for their own engine', preemptions.local)
      count('stopped under the priority rule', watch.victims.get('priority') ?? 0)
      count('stopped under the entitlement rule', watch.victims.get('entitlement') ?? 0)
      count('guaranteed bundles returned', watch.returned)
      longest.returnUs = Math.max(longest.returnUs, watch.longest.returnUs)
      longest.answerUs = Math.max(longest.answerUs, watch.longest.answerUs)
      longest.unservedUs = Math.max(longest.unservedUs, watch.longest.unservedUs)
    }
    console.info(`laws: ${JSON.stringify(Object.fromEntries(met))}, longest ${JSON.stringify(longest)}`)
    // A sweep that meets no case proves nothing about it.
    for (const [what, times] of met) expect(times, what).toBeGreaterThan(0)
    // Law 4: within the request's two seconds and two rounds.
    expect(longest.answerUs).toBeLessThanOrEqual(2_200_000)
    // Law 10: within the grace, and the way of the order and of what was released.
    expect(longest.returnUs).toBeLessThanOrEqual(1_100_000)
    // Law 7: a step may overdraw its budget by so much that other engines' rounds go first, but not for ever.
    expect(longest.unservedUs).toBeLessThanOrEqual(10_000_000)
  })

  it('give the same bytes for the same seed, and others for another', () => {
    for (const seed of [3, 14, 15]) expect(traceOf(seed)).toBe(traceOf(seed))
    expect(traceOf(3)).not.toBe(traceOf(4))
  })

  it('give a log of decisions whose replay has the same bytes', () => {
    for (const seed of [3, 14, 15, 92]) {
      const replay = new DecisionReplay()
      const { plan, requests } = randomCluster(seed)
      const simulation = new Simulation(plan, {
        requests: requests(),
        decisions: (record) =>
          expect(JSON.stringify(replay.next(record)), `seed ${seed}`).toBe(JSON.stringify(record)),
      })
      while (!simulation.run(100_000)) continue
    }
  })

  it('move no memory in a pool that is only observed, in 20 random clusters', () => {
    let planned = 0
    for (let seed = 1; seed <= 20; seed++) {
      const { plan, requests } = randomCluster(seed)
      const simulation = new Simulation(
        { ...plan, settings: { ...plan.settings, observeOnly: true } },
        {
          requests: requests(),
          decisions: (record) => {
            expect(record.kind === 'end' || record.observeOnly, `seed ${seed}`).toBe(true)
            if (record.kind === 'donors' && record.answer.granted > 0) planned++
            if (record.kind === 'end') expect(record.answer.outcome.kind, `seed ${seed}`).toBe('denied')
          },
          trace: (record) => {
            if (record.event === 'preempt') expect(record.cause, `seed ${seed}`).toBe('local')
          },
        },
      )
      while (!simulation.run(10_000)) expect(simulation.events, `seed ${seed}`).toBeLessThan(EVENTS_MAX)
    }
    expect(planned).toBeGreaterThan(0)
  })

  it.each(['proportional', 'drf', 'kapsl-compat', 'static', 'uncoordinated'] as const)(
    'hold under the policy %s too, in 20 random clusters',
    (policy) => {
      for (let seed = 1; seed <= 20; seed++) named(seed, () => watched(seed, { policy }))
    },
  )

  it('hold where steps run side by side on shares of the multiprocessors, in 60 random clusters', {
    timeout: 600_000,
  }, () => {
    let side = 0
    for (let seed = 1; seed <= 60; seed++) {
      const { simulation } = named(seed, () => watched(seed, { sharing: 'spatial' }))
      for (const { utilisation } of Object.values(simulation.result().summary.pools)) {
        expect(utilisation, `seed ${seed}`).toBeLessThanOrEqual(1)
      }
      side += simulation.engines.filter(({ share }) => share < 1).length
    }
    expect(side).toBeGreaterThan(0)
  })

  it.each(['static', 'uncoordinated'] as const)('hold there under the policy %s too', (policy) => {
    for (let seed = 1; seed <= 20; seed++) named(seed, () => watched(seed, { policy, sharing: 'spatial' }))
  })

  it('give the same bytes for the same seed where steps run side by side', () => {
    for (const seed of [3, 14, 15])
      expect(traceOf(seed, { sharing: 'spatial' })).toBe(traceOf(seed, { sharing: 'spatial' }))
  })
})
