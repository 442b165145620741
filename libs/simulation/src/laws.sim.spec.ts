import type { TraceRecord } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { Simulation } from './simulation.js'
import { LawWatch } from './testing/law-watch.js'
import { randomCluster } from './testing/random-cluster.js'

const CLUSTERS = 1_000
const FIRST_SEED = 1

/** Runs one random cluster to its end under the watch of the laws. */
function watched(seed: number): { readonly watch: LawWatch; readonly simulation: Simulation } {
  const { plan, requests } = randomCluster(seed)
  const watch = new LawWatch(plan)
  const simulation = new Simulation(plan, {
    requests: requests(),
    trace: (record) => watch.record(record),
    inspect: (world) => watch.inspect(world),
  })
  while (!simulation.run(10_000))
    expect(simulation.events, `seed ${seed} does not end`).toBeLessThan(2_000_000)
  watch.close(simulation)
  return { watch, simulation }
}

function traceOf(seed: number): string {
  const { plan, requests } = randomCluster(seed)
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
    const totals = {
      finished: 0,
      rejected: 0,
      preemptions: 0,
      granted: 0,
      denied: 0,
      victims: 0,
      local: 0,
      left: 0,
    }
    for (let seed = FIRST_SEED; seed < FIRST_SEED + CLUSTERS; seed++) {
      let run: ReturnType<typeof watched>
      try {
        run = watched(seed)
      } catch (error) {
        throw new Error(
          `random cluster with seed ${seed}: ${error instanceof Error ? error.message : error}`,
          { cause: error },
        )
      }
      const { summary } = run.simulation.result()
      totals.finished += summary.requests.finished
      totals.rejected += summary.requests.rejected
      totals.preemptions += summary.preemptions.brokered
      totals.granted += summary.preemptions.granted + summary.preemptions.partial
      totals.denied += summary.preemptions.denied
      totals.victims += summary.preemptions.victims
      totals.local += summary.preemptions.local
      totals.left += summary.requests.rejectedBy.engine_left ?? 0
    }
    console.info(`laws: ${JSON.stringify(totals)}`)
    // A sweep that meets no case proves nothing about it.
    for (const [what, count] of Object.entries(totals)) expect(count, what).toBeGreaterThan(0)
  })

  it('give the same bytes for the same seed, and others for another', () => {
    for (const seed of [3, 14, 15]) expect(traceOf(seed)).toBe(traceOf(seed))
    expect(traceOf(3)).not.toBe(traceOf(4))
  })

  it('hold under the policies for comparison too', () => {
    for (const policy of ['proportional', 'drf', 'kapsl-compat', 'static', 'uncoordinated'] as const) {
      for (let seed = 1; seed <= 20; seed++) {
        const { plan, requests } = randomCluster(seed, { policy })
        const watch = new LawWatch(plan)
        const simulation = new Simulation(plan, {
          requests: requests(),
          trace: (record) => watch.record(record),
          inspect: (world) => watch.inspect(world),
        })
        while (!simulation.run(10_000))
          expect(simulation.events, `${policy}, seed ${seed}`).toBeLessThan(2_000_000)
        watch.close(simulation)
      }
    }
  })
})
