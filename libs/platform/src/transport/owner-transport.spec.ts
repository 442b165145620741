import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { type EngineMessage, type OperatorLetter, operatorAnswersSchema } from '@kvasir/contracts'
import {
  ClusterHost,
  type ClusterSpeech,
  coordinatorPeer,
  defaultOwnerTimings,
  type OwnerEffect,
  OwnerMachine,
  ordersAtFirst,
  type PoolSpeech,
  type StoreCommand,
} from '@kvasir/coordinator-core'
import { poolSettingsSchema } from '@kvasir/contracts'
import { SeededRng } from '@kvasir/kernel'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ActorStore } from '../live/actor-store.js'
import { MemoryActors } from '../live/memory-actors.js'
import { OwnerDriver } from '../live/owner-driver.js'
import { boundTo } from '../testing/bound-store.js'
import { heartbeat, join, request } from '../testing/messages.js'
import { Recorder } from '../testing/recorder.js'
import { type Handle, handleBy } from '../testing/test-messages.js'
import { clusterLanguage, poolLanguage } from './language.js'
import type { TransportTrouble } from './news.js'
import { OwnerTransport } from './owner-transport.js'

// Real timers, on whatever else the machine is doing.
vi.setConfig({ testTimeout: 60_000 })
const patient = { timeout: 20_000 }

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** One process that owns pool `p`, writes down what it hears, and handles messages as a test says. */
class Owner {
  readonly troubles: readonly TransportTrouble[]
  readonly commands: StoreCommand['kind'][] = []
  readonly effects: OwnerEffect[] = []
  readonly driver: OwnerDriver<PoolSpeech>

  private constructor(
    transport: OwnerTransport,
    store: ActorStore,
    troubles: readonly TransportTrouble[],
    name: string,
  ) {
    this.troubles = troubles
    const machine = new OwnerMachine<PoolSpeech>({
      timings: defaultOwnerTimings,
      process: name,
      rng: new SeededRng(1, name),
      device: false,
      host: (_now, takeover) => new Recorder(takeover),
    })
    this.driver = new OwnerDriver({
      machine,
      store: { ...boundTo(store), own: (command) => this.#counted(store, command) },
      ears: transport.ears('p', poolLanguage),
      observe: (effect) => this.effects.push(effect),
    })
  }

  static async start(stores: MemoryActors, handle: Handle, name = 'owner'): Promise<Owner> {
    const troubles: TransportTrouble[] = []
    const transport = new OwnerTransport((trouble) => troubles.push(trouble))
    const app = await handleBy(transport, handle)
    const owner = new Owner(transport, stores.actor('p'), troubles, name)
    await owner.driver.start()
    closing.push(async () => {
      await owner.driver.stop()
      await app.close()
    })
    return owner
  }

  get owns(): boolean {
    return this.effects.some(({ kind }) => kind === 'took_office')
  }

  #counted(store: ActorStore, command: StoreCommand) {
    this.commands.push(command.kind)
    return store.own(command)
  }
}

const say = (stores: MemoryActors, peer: string, message: EngineMessage | string) =>
  stores
    .actor('p')
    .peer({ kind: 'say', peer, text: typeof message === 'string' ? message : JSON.stringify(message) })
const beat = (stores: MemoryActors, peer: string, number: number) =>
  stores.actor('p').peer({ kind: 'beat', peer, text: JSON.stringify(heartbeat(peer, number)), ring: true })
const log = (stores: MemoryActors) => stores.actor('p').newestLog(10_000)

describe('OwnerTransport', () => {
  it('hands what peers said to handlers as typed messages, in order, and what they pass on to the machine', async () => {
    const stores = new MemoryActors()
    const handled: unknown[] = []
    await Owner.start(stores, (message, { actor, peer }) => {
      handled.push({ actor, peer, message })
      return undefined
    })
    const said = [join('a'), request('a', 2), request('a', 3), join('b'), request('b', 2)]
    for (const message of said) await say(stores, message.engine, message)
    await expect.poll(() => log(stores), patient).toHaveLength(said.length)
    expect(handled).toEqual(said.map((message) => ({ actor: 'p', peer: message.engine, message })))
    expect(await log(stores)).toEqual(said.map(({ engine, kind, number }) => `${engine} ${kind} ${number}`))
  })

  it('loses and doubles nothing when handlers throw, and keeps the order of every inbox', async () => {
    const stores = new MemoryActors()
    const rng = new SeededRng(7, 'failures')
    const owner = await Owner.start(stores, () => {
      if (rng.uniform() < 0.2) throw new Error('not now')
      return undefined
    })
    const numbers = Array.from({ length: 40 }, (_, i) => i + 1)
    for (const number of numbers)
      for (const peer of ['a', 'b', 'c']) await say(stores, peer, request(peer, number))
    await expect.poll(() => log(stores), patient).toHaveLength(120)
    for (const peer of ['a', 'b', 'c'])
      expect((await log(stores)).filter((line) => line.startsWith(peer))).toEqual(
        numbers.map((number) => `${peer} request ${number}`),
      )
    expect(owner.troubles.length).toBeGreaterThan(5)
    expect(owner.troubles[0]).toMatchObject({ kind: 'handler_failed', actor: 'p', pattern: 'request' })
    expect(owner.troubles[0]).toHaveProperty('error.message', 'not now')
  })

  it('reads no more than one look while a handler is busy, and stays in office', async () => {
    const stores = new MemoryActors()
    let release = () => {}
    const busy = new Promise<undefined>((resolve) => {
      release = () => resolve(undefined)
    })
    const handled: unknown[] = []
    const owner = await Owner.start(stores, (message) => {
      handled.push(message)
      return busy
    })
    await expect.poll(() => owner.owns, patient).toBe(true)
    await say(stores, 'a', join('a'))
    await expect.poll(() => handled, patient).toHaveLength(1)
    const peeks = owner.commands.filter((kind) => kind === 'peek').length
    for (let number = 2; number <= 500; number++) await say(stores, 'a', request('a', number))
    // Longer than an owner may act without a commit.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(handled).toHaveLength(1)
    // One look may wait behind what bells have brought.
    expect(owner.commands.filter((kind) => kind === 'peek').length).toBeLessThanOrEqual(peeks + 1)
    const left = await stores.actor('p').own({ kind: 'peek', positions: [], limit: 1_000 })
    expect(left.kind === 'peeked' && left.letters).toHaveLength(500)
    expect(owner.effects.filter(({ kind }) => kind === 'left_office')).toEqual([])
    release()
    await expect.poll(() => log(stores), patient).toHaveLength(500)
    expect(new Set(await log(stores)).size).toBe(500)
  })

  it('leaves what was being handled when its owner lost the office to the next one', async () => {
    const stores = new MemoryActors()
    const handled: string[] = []
    const stuck = await Owner.start(
      stores,
      () => {
        handled.push('stuck')
        return new Promise<undefined>(() => {})
      },
      'stuck',
    )
    await expect.poll(() => stuck.owns, patient).toBe(true)
    for (let number = 1; number <= 10; number++) await say(stores, 'a', request('a', number))
    await expect.poll(() => handled, patient).toHaveLength(1)
    await stuck.driver.stop()
    await Owner.start(stores, () => undefined, 'next')
    await expect.poll(() => log(stores), patient).toHaveLength(10)
    expect(new Set(await log(stores)).size).toBe(10)
  })

  it('reports and passes over what is no message of its place', async () => {
    const stores = new MemoryActors()
    const owner = await Owner.start(stores, () => undefined)
    await say(stores, 'a', '{')
    await say(stores, 'a', heartbeat('a', 1))
    await say(stores, 'a', JSON.stringify({ ...join('a'), number: 'one' }))
    await say(stores, 'a', join('a'))
    await expect.poll(() => log(stores), patient).toEqual(['a join 1'])
    expect(owner.troubles.map(({ kind, peer }) => `${kind} ${peer}`)).toEqual(Array(3).fill('unreadable a'))
    expect(owner.troubles[2]).toHaveProperty('problems', [expect.stringMatching(/number/)])
  })

  it('counts as read what a handler drops', async () => {
    const stores = new MemoryActors()
    await Owner.start(stores, (message) => (JSON.stringify(message).includes('request') ? 'drop' : undefined))
    await say(stores, 'a', request('a', 1))
    await say(stores, 'a', join('a', 2))
    await expect.poll(() => log(stores), patient).toEqual(['a join 2'])
    const left = await stores.actor('p').own({ kind: 'peek', positions: [], limit: 10 })
    expect(left.kind === 'peeked' && left.letters).toEqual([])
  })

  it('handles a heartbeat once, and again when its handler has failed', async () => {
    const stores = new MemoryActors()
    let failures = 2
    const handled: unknown[] = []
    await Owner.start(stores, (message) => {
      handled.push(message)
      if (failures-- > 0) throw new Error('not now')
      return undefined
    })
    await beat(stores, 'a', 1)
    await expect.poll(() => log(stores), patient).toEqual(['a heartbeat 1'])
    await say(stores, 'b', join('b'))
    await expect.poll(() => log(stores), patient).toEqual(['a heartbeat 1', 'b join 1'])
    expect(handled).toHaveLength(4)
  })

  it('answers the letter of an operator with the commit that makes it durable', async () => {
    const stores = new MemoryActors()
    const store = stores.actor('cluster')
    const transport = new OwnerTransport(() => {})
    const app = await handleBy(transport, () => undefined)
    const orders = ordersAtFirst({ policy: 'weighted-max-min', settings: poolSettingsSchema.parse({}) })
    const machine = new OwnerMachine<ClusterSpeech>({
      timings: defaultOwnerTimings,
      process: 'c',
      rng: new SeededRng(1, 'c'),
      device: false,
      host: (_now, takeover) => new ClusterHost(takeover, { gatherUs: 0, weighs: true, orders }),
    })
    const driver = new OwnerDriver({ machine, store, ears: transport.ears('cluster', clusterLanguage) })
    await driver.start()
    closing.push(async () => {
      await driver.stop()
      await app.close()
    })
    const peer = coordinatorPeer('c')
    const letter: OperatorLetter = {
      kind: 'orders',
      id: 'c/1',
      orders: { ...orders, revision: 1, observeOnly: true },
    }
    await store.peer({ kind: 'say', peer, text: JSON.stringify(letter) })
    const answers = async () => {
      const answer = await store.peer({ kind: 'read', peer })
      return answer.kind === 'document' && answer.text !== null
        ? operatorAnswersSchema.parse(JSON.parse(answer.text)).answers
        : []
    }
    await expect.poll(answers, patient).toEqual([{ id: 'c/1', kind: 'accepted', revision: 1 }])
  })

  it('does not start where a message would find no handler', async () => {
    @Module({})
    class Nobody {}
    const strategy = new OwnerTransport(() => {})
    const app = await NestFactory.createMicroservice(Nobody, { strategy, logger: false })
    await expect(app.listen()).rejects.toThrow(/no handler for join, leave/)
  })
})
