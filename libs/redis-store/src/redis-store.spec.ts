import { BEFORE_ALL, type Bell, type StoreAnswer, storeContract, type Tick } from '@kvasir/coordinator-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bellIn } from './bell-text.js'
import { Bells } from './bells.js'
import { Connection } from './connection.js'
import { keysOf } from './keys.js'
import { RedisStore } from './redis-store.js'
import { obtainRedis } from './server/bring-redis.js'
import { PrivateRedis } from './server/private-redis.js'
import { Ticks } from './ticks.js'

let redis: PrivateRedis
let connection: Connection
let actors = 0

beforeAll(async () => {
  redis = await PrivateRedis.start({ program: await obtainRedis(console.warn), persistent: true })
  connection = new Connection(redis.address)
  await connection.ready()
}, 120_000)

afterAll(async () => {
  connection?.close()
  await redis?.close()
})

function newStore(): RedisStore {
  return new RedisStore(connection, `actor-${++actors}`)
}

function expectAcquired(answer: StoreAnswer): { readonly term: number; readonly by: string } {
  if (answer.kind !== 'acquired') throw new Error(`${answer.kind} instead of acquired`)
  return { term: answer.own.term, by: answer.own.by }
}

describe('RedisStore', () => {
  it.each(storeContract)('keeps the contract: $name', async ({ run }) => {
    const store = newStore()
    const script = run()
    let step = script.next()
    while (!step.done) {
      const request = step.value
      step = script.next(
        request.to === 'own' ? await store.own(request.command) : await store.peer(request.command),
      )
    }
  })

  it('rings for the owner with what a peer says, and ticks the peers whose documents a commit changed, and says what', async () => {
    const bells = new Bells(redis.address)
    const store = newStore()
    const keys = keysOf(`actor-${actors}`)
    const ticks = new Ticks(bells, keys)
    const rung: Bell[] = []
    const heard: (Tick & { readonly peer: string })[] = []
    await bells.listen(keys.bell, (text) => rung.push(bellIn(text)))
    for (const peer of ['e1', 'e2']) await ticks.onTick(peer, (tick) => heard.push({ peer, ...tick }))
    // A new connection rings once by itself: something may have been missed.
    rung.length = 0
    heard.length = 0
    const own = expectAcquired(await store.own({ kind: 'acquire', seen: null, by: 'a' }))
    const first = await store.peer({ kind: 'say', peer: 'e1', text: 'hello\nagain' })
    const second = await store.peer({ kind: 'say', peer: 'e1', text: 'more' })
    await store.peer({ kind: 'beat', peer: 'e1', text: 'quiet', ring: false })
    await store.peer({ kind: 'beat', peer: 'e1', text: 'loud', ring: true })
    const commit = { ...own, version: 0, id: 'c', epoch: 1, log: [], positions: [] }
    const documents = [{ peer: 'e2', text: 'd' }]
    const budgets = [
      { peer: 'e1', text: '1' },
      { peer: 'e2', text: '2' },
    ]
    await store.own({ kind: 'commit', commit: { ...commit, documents, budgets } })
    const positions = [first, second].map((said) => (said.kind === 'said' ? said.position : ''))
    await expect
      .poll(() => rung)
      .toEqual([
        {
          kind: 'letter',
          letter: { peer: 'e1', position: positions[0], after: BEFORE_ALL, text: 'hello\nagain' },
        },
        { kind: 'letter', letter: { peer: 'e1', position: positions[1], after: positions[0], text: 'more' } },
        { kind: 'heartbeat', peer: 'e1', text: 'loud' },
      ])
    await expect
      .poll(() => heard)
      .toEqual([
        { peer: 'e2', kind: 'document', text: 'd' },
        { peer: 'e1', kind: 'budget', text: '1' },
        { peer: 'e2', kind: 'budget', text: '2' },
      ])
    bells.close()
  })

  it('writes as many budgets as a pool has engines', async () => {
    const store = newStore()
    const own = expectAcquired(await store.own({ kind: 'acquire', seen: null, by: 'a' }))
    const budgets = Array.from({ length: 3_001 }, (_, i) => ({ peer: `e${i}`, text: String(i) }))
    const commit = { ...own, version: 0, id: 'c', epoch: 1, documents: [], log: [], positions: [] }
    await store.own({ kind: 'commit', commit: { ...commit, budgets } })
    for (const i of [0, 499, 500, 3_000])
      expect(await store.peer({ kind: 'read', peer: `e${i}` })).toMatchObject({ budget: String(i) })
  })

  it('hands answers over in the order of the commands, however long they take to read', async () => {
    const store = newStore()
    await store.own({ kind: 'acquire', seen: null, by: 'a' })
    const answered: string[] = []
    const wanted: string[] = []
    for (let version = 0; version < 20; version++) {
      const commit = { term: 1, by: 'a', version, id: `c${version}`, epoch: 1 }
      const commands = [
        { kind: 'peek', positions: [], limit: 1 },
        { kind: 'commit', commit: { ...commit, documents: [], log: [], positions: [] } },
        { kind: 'observe' },
      ] as const
      wanted.push('peeked', 'committed', 'observed')
      await Promise.all(commands.map((command) => store.own(command).then(({ kind }) => answered.push(kind))))
    }
    expect(answered).toEqual(wanted)
  })

  it('keeps the log in order', async () => {
    const store = newStore()
    await store.own({ kind: 'acquire', seen: null, by: 'a' })
    const commit = { term: 1, by: 'a', version: 0, id: 'c', epoch: 1, documents: [], positions: [] }
    await store.own({ kind: 'commit', commit: { ...commit, log: ['one', 'two'] } })
    await store.own({ kind: 'commit', commit: { ...commit, version: 1, log: ['three'] } })
    expect(await store.newestLog(2)).toEqual(['two', 'three'])
  })

  it('answers that a command failed while the server is away, and goes on when it is back', async () => {
    const store = newStore()
    await store.own({ kind: 'acquire', seen: null, by: 'a' })
    await redis.stop('SIGKILL')
    expect(await store.own({ kind: 'observe' })).toMatchObject({ kind: 'failed' })
    expect(await store.peer({ kind: 'say', peer: 'e', text: 'x' })).toMatchObject({ kind: 'failed' })
    await redis.restart()
    await connection.ready()
    expect(await store.own({ kind: 'observe' })).toMatchObject({ kind: 'observed' })
  })

  it('loads its functions into a server that has lost them', async () => {
    const store = newStore()
    await connection.run((client) => client.call('FUNCTION', 'FLUSH'))
    expect(await store.own({ kind: 'acquire', seen: null, by: 'a' })).toMatchObject({ kind: 'acquired' })
  })

  it('a server that does not write for us any more is a failure', async () => {
    const store = newStore()
    await store.own({ kind: 'acquire', seen: null, by: 'a' })
    await connection.run((client) => client.call('REPLICAOF', '127.0.0.1', '1'))
    expect(await store.peer({ kind: 'say', peer: 'e', text: 'x' })).toMatchObject({ kind: 'failed' })
    const admin = new Connection(redis.address)
    await admin.ready()
    await admin.run((client) => client.call('REPLICAOF', 'NO', 'ONE'))
    admin.close()
    await connection.ready()
    expect(await store.peer({ kind: 'say', peer: 'e', text: 'x' })).toMatchObject({ kind: 'said' })
  })
})
