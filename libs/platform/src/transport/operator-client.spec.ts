import { type OperatorLetter, type PoolOrders, poolSettingsSchema } from '@kvasir/contracts'
import {
  ClusterHost,
  type ClusterSpeech,
  coordinatorPeer,
  defaultOwnerTimings,
  OwnerMachine,
  ordersAtFirst,
} from '@kvasir/coordinator-core'
import { SeededRng } from '@kvasir/kernel'
import { lastValueFrom } from 'rxjs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ActorStore } from '../live/actor-store.js'
import { MemoryActors } from '../live/memory-actors.js'
import { OwnerDriver } from '../live/owner-driver.js'
import { boundTo } from '../testing/bound-store.js'
import { handleBy } from '../testing/test-messages.js'
import { clusterLanguage } from './language.js'
import { OperatorClient, Unanswered } from './operator-client.js'
import { OwnerTransport } from './owner-transport.js'

// Real timers, on whatever else the machine is doing.
vi.setConfig({ testTimeout: 60_000 })

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const atFirst = ordersAtFirst({ policy: 'weighted-max-min', settings: poolSettingsSchema.parse({}) })

/** A process that owns the cluster. Answers what its handlers were handed. */
async function startOwner(store: ActorStore): Promise<readonly unknown[]> {
  const handled: unknown[] = []
  const transport = new OwnerTransport(() => {})
  const app = await handleBy(transport, (message) => {
    handled.push(message)
    return undefined
  })
  const machine = new OwnerMachine<ClusterSpeech>({
    timings: defaultOwnerTimings,
    process: 'owner',
    rng: new SeededRng(1, 'owner'),
    device: false,
    host: (_now, takeover) => new ClusterHost(takeover, { gatherUs: 0, weighs: true, orders: atFirst }),
  })
  const driver = new OwnerDriver({ machine, store, ears: transport.ears('cluster', clusterLanguage) })
  await driver.start()
  closing.push(
    () => app.close(),
    () => driver.stop(),
  )
  return handled
}

function clientOf(store: ActorStore): OperatorClient {
  const client = new OperatorClient({ store, peer: coordinatorPeer('c'), deaf: () => {} })
  closing.push(() => client.close())
  return client
}

function ordersLetter(id: string, change: Partial<PoolOrders>): Extract<OperatorLetter, { kind: 'orders' }> {
  return { kind: 'orders', id, orders: { ...atFirst, revision: 1, ...change } }
}

describe('OperatorClient', () => {
  it('gives each letter the one answer that its owner committed', async () => {
    const store = new MemoryActors().actor('cluster')
    const handled = await startOwner(store)
    const client = clientOf(store)
    const letters = [
      ordersLetter('c/1', { observeOnly: true }),
      ordersLetter('c/2', { policy: 'proportional', revision: 7 }),
    ]
    const answers = await Promise.all(letters.map((letter) => lastValueFrom(client.send('orders', letter))))
    expect(answers).toEqual([
      { id: 'c/1', kind: 'accepted', revision: 1 },
      { id: 'c/2', kind: 'conflict', revision: 1 },
    ])
    expect(handled).toEqual(letters)
  })

  it('waits for an owner who comes later, and is carried out once however often it is said', async () => {
    const store = new MemoryActors().actor('cluster')
    const client = clientOf(store)
    const said: unknown[] = []
    const counted: ActorStore['peer'] = (command) => {
      if (command.kind === 'say') said.push(command)
      return store.peer(command)
    }
    const late = clientOf({
      ...boundTo(store),
      peer: counted,
    })
    const answer = lastValueFrom(late.send('orders', ordersLetter('c/1', { observeOnly: true })))
    await expect.poll(() => said.length, { timeout: 20_000 }).toBeGreaterThan(1)
    await startOwner(store)
    expect(await answer).toEqual({ id: 'c/1', kind: 'accepted', revision: 1 })
    const next = ordersLetter('c/2', { observeOnly: false, revision: 2 })
    expect(await lastValueFrom(client.send('orders', next))).toMatchObject({ kind: 'accepted', revision: 2 })
  })

  it('fails when the store does not answer, and when it cannot be listened to looks all the same', async () => {
    const store = new MemoryActors().actor('cluster')
    const away = { ...boundTo(store), peer: async () => ({ kind: 'failed', detail: 'away' }) as const }
    const letter = ordersLetter('c/1', { observeOnly: true })
    await expect(lastValueFrom(clientOf(away).send('orders', letter))).rejects.toThrow(Unanswered)

    const deaf = { ...boundTo(store), onTick: () => Promise.reject(new Error('no subscriptions')) }
    await startOwner(store)
    expect(await lastValueFrom(clientOf(deaf).send('orders', letter))).toMatchObject({ kind: 'accepted' })
  })

  it('emits nothing: who changes something waits until it is durable', async () => {
    const client = clientOf(new MemoryActors().actor('cluster'))
    await expect(lastValueFrom(client.emit('orders', ordersLetter('c/1', {})))).rejects.toThrow('send it')
  })
})
