import { budgetListSchema, modelStatusSchema } from '@kvasir/contracts'
import { RedisActors } from '@kvasir/platform'
import { obtainRedis, PrivateRedis } from '@kvasir/redis-store'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { RunningCoordinator } from './start.js'
import { ask } from './testing/http.js'
import { TestCluster } from './testing/test-cluster.js'

// Real timers and, for some, real processes, on whatever else the machine is doing.
vi.setConfig({ testTimeout: 120_000 })

const WITHIN = { timeout: 40_000, interval: 100 }
let redis: PrivateRedis
let cluster: TestCluster
let first: RunningCoordinator
let second: RunningCoordinator
/** By process: each has connections of its own. */
const stores = new Map<string, RedisActors>()

beforeAll(async () => {
  redis = await PrivateRedis.start({ program: await obtainRedis(console.warn), persistent: true })
  cluster = new TestCluster((name) => {
    const known = stores.get(name) ?? new RedisActors(redis.address)
    stores.set(name, known)
    return known
  })
  first = await cluster.coordinator('first')
  second = await cluster.coordinator('second')
  for (const pool of ['left', 'right'])
    for (const model of ['chat', 'code']) await cluster.engine(model, pool)
  cluster.keepBusy()
  await vi.waitFor(async () => expect((await rounds(second)).size).toBe(4), WITHIN)
}, 120_000)

afterAll(async () => {
  await cluster?.stop()
  for (const actors of stores.values()) actors.close()
  await redis?.close()
}, 60_000)

/** By engine: rounds of two pools are counted apart. */
async function rounds(at: RunningCoordinator): Promise<ReadonlyMap<string, number>> {
  const { status, body } = await ask(`${at.url}/v1/budgets`)
  const budgets = status === 200 ? budgetListSchema.parse(body).budgets : []
  return new Map(budgets.map(({ engine, round }) => [engine, round]))
}

function patch(at: RunningCoordinator, body: object) {
  return ask(`${at.url}/v1/models/chat`, { method: 'PATCH', body })
}

async function goesOn(at: RunningCoordinator): Promise<void> {
  const before = await rounds(at)
  const later = async () => {
    const now = await rounds(at)
    expect(now.size).toBe(4)
    for (const [engine, round] of now) expect(round, engine).toBeGreaterThan(before.get(engine) ?? 0)
  }
  await vi.waitFor(later, WITHIN)
}

describe('coordinators over Redis', () => {
  it('share the pools, and a change at one is seen at the other', async () => {
    expect(await patch(first, { weight: 3 })).toMatchObject({ status: 200, body: { weight: 3, revision: 1 } })
    const { body } = await ask(`${second.url}/v1/models/chat`)
    expect(modelStatusSchema.parse(body)).toMatchObject({ weight: 3, revision: 1 })
    await goesOn(second)
  })

  it('budgets go on when a coordinator loses its store for ever, as a killed one does', async () => {
    const owner = [first, second].find(({ offices }) => offices.held.length > 0) ?? first
    const other = owner === first ? second : first
    const name = owner === first ? 'first' : 'second'
    stores.get(name)?.close()
    await goesOn(other)
    await vi.waitFor(() => expect(other.offices.held).toHaveLength(3), WITHIN)
    expect((await ask(`${owner.url}/v1/models`)).status).toBe(503)
    first = other
  })

  it('a Redis that is away is told as 503 with a time to ask again, and what was durable is there when it is back', async () => {
    expect(await patch(first, { weight: 5 })).toMatchObject({ status: 200 })
    // The append-only file is written each second.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    await redis.stop('SIGKILL')
    const refused = await fetch(`${first.url}/v1/models/chat`)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect((await ask(`${first.url}/health`)).body).toMatchObject({ store: 'away' })
    await redis.restart()
    await goesOn(first)
    const { body } = await ask(`${first.url}/v1/models/chat`)
    expect(modelStatusSchema.parse(body)).toMatchObject({ weight: 5 })
  })
})
