import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseScenario } from '@kvasir/contracts'
import { obtainRedis } from '@kvasir/redis-store'
import { describe, expect, it } from 'vitest'
import { BenchCluster } from '../bench/cluster/bench-cluster.js'
import { runLiveTwin } from './run-live-twin.js'
import { openCluster } from './twin-cluster.js'
import { bareScenario, planOf } from './twin-scenario.js'

/** Real processes on a private Redis, a few requests. How long they take is not asserted: others may want the cores. */
const apps = ['coordinator', 'engine', 'gateway', 'tp-group']
const built = apps.every((app) =>
  existsSync(fileURLToPath(new URL(`../../../${app}/dist/main.js`, import.meta.url))),
)
if (!built) console.warn('SKIPPED, nothing is played live: build the apps first (npx tsc --build)')
const redis = await obtainRedis(() => undefined).catch((error: unknown) => {
  console.warn(`SKIPPED, nothing is played live: ${String(error)}`)
  return undefined
})

const parsed = parseScenario({
  name: 'twin',
  seed: 3,
  durationS: 3,
  cluster: { groups: [{ id: 'group', gpu: 'H100', tp: 4 }] },
  models: [
    { name: 'chat', architecture: 'Llama-3.1-8B', pools: ['group'], priority: 1, slo: { ttftMs: 1000 } },
  ],
  workload: {
    generators: [
      {
        model: 'chat',
        arrivals: { kind: 'poisson', ratePerS: 4 },
        lengths: {
          prompt: { kind: 'log-normal', median: 200, sigma: 0.5, max: 600 },
          output: { kind: 'log-normal', median: 20, sigma: 0.5, max: 60 },
        },
      },
    ],
  },
})

describe.skipIf(!built || redis === undefined)('a live twin', () => {
  it('ends every request as the simulation does, each token once', { timeout: 120_000 }, async () => {
    if (parsed.kind !== 'parsed' || redis === undefined) throw new Error('the scenario is not valid')
    const scenario = parsed.value
    const plan = planOf(bareScenario(scenario))
    const cluster = await BenchCluster.startFile({ scenario, plan }, redis, 1)
    const target = {
      kind: 'running',
      gateway: cluster.url('gateway'),
      coordinator: cluster.url('coordinator'),
    } as const
    try {
      const other = { ...plan, policy: 'static' } as const
      await expect(openCluster(target, { scenario, plan: other, speed: 1, say })).rejects.toThrow(
        'divided by weighted-max-min, not static; it must be the cluster of the scenario',
      )
      const { comparison, costs, sides, takenAgain } = await runLiveTwin({
        scenario,
        folder: '.',
        target,
        speed: 1,
        calibration: { warm: 1, alone: 3, together: 2, outputTokens: 8, steps: 10 },
        variations: 1,
        signal: new AbortController().signal,
        say,
      })
      const { agreement, models, decisions } = comparison
      expect(agreement.requests).toBeGreaterThan(5)
      expect(agreement).toEqual({
        requests: agreement.requests,
        sameEngine: agreement.requests,
        sameEnd: agreement.requests,
        miscounted: [],
      })
      const [{ live, simulated }] = models
      expect(live.finished).toBe(agreement.requests)
      expect(live.outputTokens).toBe(simulated.outputTokens)
      expect(new Set(sides.live.requests.map(({ id }) => id)).size).toBe(agreement.requests)
      expect(costs).toMatchObject([{ model: 'chat', requests: 6, wayUs: null }])
      expect(decisions.live.rounds).toBeGreaterThan(0)
      expect(takenAgain).toBe(sides.live.decisions.length)
    } finally {
      await cluster.stop()
    }
  })
})

function say(): void {}
