import { storeContract } from '@kvasir/coordinator-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bells } from './bells.js'
import { Connection } from './connection.js'
import { keysOf } from './keys.js'
import { RedisStore } from './redis-store.js'
import { obtainRedis } from './server/bring-redis.js'
import { PrivateRedis } from './server/private-redis.js'

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

  it('rings for the owner when a peer says something, and ticks the peers whose documents a commit changed, and says what', async () => {
    const bells = new Bells(redis.address)
    const store = newStore()
    const keys = keysOf(`actor-${actors}`)
    const heard: string[] = []
    await bells.listen(keys.bell, (peer) => heard.push(`bell ${peer}`))
    await bells.listen(keys.tick('e1'), (text) => heard.push(`e1 ${text}`))
    await bells.listen(keys.tick('e2'), (text) => heard.push(`e2 ${text}`))
    // A new connection rings once by itself: something may have been missed.
    heard.length = 0
    await store.own({ kind: 'acquire', seen: null, by: 'a' })
    await store.peer({ kind: 'say', peer: 'e1', text: 'hello' })
    await store.peer({ kind: 'beat', peer: 'e1', text: 'quiet', ring: false })
    const commit = { term: 1, by: 'a', version: 0, id: 'c', epoch: 1, log: [], positions: [] }
    await store.own({ kind: 'commit', commit: { ...commit, documents: [{ peer: 'e2', text: 'd' }] } })
    await expect.poll(() => heard).toEqual(['bell e1', 'e2 d'])
    bells.close()
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
