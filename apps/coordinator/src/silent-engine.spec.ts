import { engineListSchema } from '@kvasir/contracts'
import { type ActorStore, type ActorStores, MemoryActors } from '@kvasir/platform'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { ask } from './testing/http.js'
import { TestCluster } from './testing/test-cluster.js'

// Real timers and, for some, real processes, on whatever else the machine is doing.
vi.setConfig({ testTimeout: 120_000 })

const stores = new MemoryActors()
let cut = false

/** The store as an engine reaches it: not at all while it is cut off. */
const engineStores: ActorStores = {
  actor: (name): ActorStore => {
    const store = stores.actor(name)
    const nothing = { kind: 'failed', detail: 'cut off' } as const
    return {
      own: (command) => store.own(command),
      peer: (command) => (cut ? Promise.resolve(nothing) : store.peer(command)),
      onBell: (listener) => store.onBell(listener),
      onTick: (peer, listener) => store.onTick(peer, listener),
      newestLog: (count) => store.newestLog(count),
      logAfter: (position, limit) => store.logAfter(position, limit),
    }
  },
  close: () => stores.close(),
}

const settings = { leaseUs: 600_000, heartbeatUs: 100_000 }
const cluster = new TestCluster((name) => (name.includes('@') ? engineStores : stores), settings)

afterAll(() => cluster.stop())

describe('an engine that was not heard of for too long', () => {
  it('gives its place up, and has another one as soon as it is heard again', async () => {
    const { url } = await cluster.coordinator('only')
    await cluster.engine('chat', 'left')
    const engines = async () => engineListSchema.parse((await ask(`${url}/v1/engines`)).body).engines
    await vi.waitFor(async () => expect(await engines()).toHaveLength(1), 40_000)
    const [first] = await engines()
    cut = true
    await vi.waitFor(async () => expect(await engines()).toHaveLength(0), 40_000)
    cut = false
    await vi.waitFor(async () => expect(await engines()).toHaveLength(1), 40_000)
    const [second] = await engines()
    expect(second.incarnation).toBeGreaterThan(first.incarnation)
  })
})
