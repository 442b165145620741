import { coordinatorProfileSchema } from '@kvasir/contracts'
import { obtainRedis, PrivateRedis } from '@kvasir/redis-store'
import { connectQueue, type ExperimentCard, openExperiments } from '@kvasir/run-queue'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type RunningCoordinator, start } from '../start.js'

// Real processes, on whatever else the machine is doing.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const program = await obtainRedis(() => undefined).catch((error: unknown) => {
  console.warn(`SKIPPED, no board of experiments: ${String(error)}`)
  return undefined
})
let redis: PrivateRedis
let coordinator: RunningCoordinator

const card: ExperimentCard = {
  experiment: 'abc',
  title: 'tiny',
  question: 'Is it there?',
  code: { id: 'c0de', name: 'kvasir 0' },
  results: 'here:/results/tiny',
}

describe.skipIf(program === undefined)('the board of experiments', () => {
  beforeAll(async () => {
    if (program === undefined) return
    redis = await PrivateRedis.start({ program, persistent: false })
    const pool = { id: 'pool', gpu: 'H100', tp: 1, pagesPerBundle: 4, bundles: 40, device: 'unix:/nowhere' }
    const profile = {
      coordinator: 'one',
      pools: [pool],
      models: [],
      store: redis.address,
      http: { port: 0 },
      log: 'silent',
    }
    coordinator = await start(coordinatorProfileSchema.parse(profile))
  })
  afterAll(async () => {
    await coordinator?.stop()
    await redis?.close()
  })

  const board = (path = '', init: RequestInit = {}) =>
    fetch(`${coordinator.url}/experiments/queue${path}`, init)

  it('is a page of the coordinator, with what the page needs', async () => {
    const page = await board()
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toContain('text/html')
    const html = await page.text()
    expect(html).toContain('Kvasir experiments')
    const script = /src="([^"]+\.js)"/.exec(html)?.[1] ?? ''
    const answer = await fetch(new URL(script, `${coordinator.url}/experiments/queue/`))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toContain('javascript')
    // Another part of the coordinator serves files too.
    expect((await fetch(`${coordinator.url}/docs`)).status).toBe(200)
  })

  it('shows experiments and the queue of their runs, and lets nobody change them', async () => {
    const client = connectQueue(redis.address)
    const experiments = openExperiments(client)
    await experiments.add('tiny', card, { jobId: 'abc.c0de' })
    const shown = async () => {
      const { queues } = Object(await (await board('/api/queues?activeQueue=experiments')).json())
      return Object.fromEntries(
        queues.map(({ name, counts, readOnlyMode }: Record<string, unknown>) => [
          name,
          { counts, readOnlyMode },
        ]),
      )
    }
    await vi.waitFor(
      async () =>
        expect(await shown()).toMatchObject({
          experiments: { counts: { waiting: 1 }, readOnlyMode: true },
          'runs-c0de': { readOnlyMode: true },
        }),
      { timeout: 10_000, interval: 200 },
    )
    const refused = await board('/api/queues/experiments/abc.c0de/clean', { method: 'PUT' })
    expect(refused.status).toBe(405)
    expect(await experiments.getJob('abc.c0de')).toBeDefined()
    await experiments.close()
    client.disconnect()
  })
})
