import { budgetNoteOf, type EngineDocument, type EngineMessage } from '@kvasir/contracts'
import { BEFORE_ALL, type Commit, type StoreCommand, type Tick } from '@kvasir/coordinator-core'
import { lastValueFrom } from 'rxjs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { MemoryActors } from '../live/memory-actors.js'
import { boundTo } from '../testing/bound-store.js'
import { documentOf, heartbeat, join, request } from '../testing/messages.js'
import { type Handle, handleBy } from '../testing/test-messages.js'
import { EngineTransport } from './engine-transport.js'
import type { TransportTrouble } from './news.js'

vi.setConfig({ testTimeout: 60_000 })
const patient = { timeout: 20_000 }

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Engine `a` of pool `p`, as its driver would use its transport, and the owner of the pool, who only writes. */
async function engine(handle: Handle) {
  const stores = new MemoryActors()
  const store = stores.actor('p')
  /** Kinds of ticks that are lost. */
  const unheard = new Set<Tick['kind']>()
  const troubles: TransportTrouble[] = []
  const delivered: EngineDocument[] = []
  const transport = new EngineTransport({
    engine: 'a',
    pool: 'p',
    store: {
      ...boundTo(store),
      onTick: (peer, listener) =>
        store.onTick(peer, (tick) => void (unheard.has(tick.kind) || listener(tick))),
    },
    heartbeatUs: 10_000_000,
    news: (trouble) => troubles.push(trouble),
  })
  const mail = transport.mail((document) => delivered.push(document))
  const app = await handleBy(transport, handle)
  closing.push(async () => {
    await mail.close()
    await app.close()
  })
  const taken = await store.own({ kind: 'acquire', seen: null, by: 'o' })
  const { term } = taken.kind === 'acquired' ? taken.own : { term: 0 }
  let version = 0
  const commit = (change: Partial<Commit>) => {
    const commit = { term, by: 'o', version, id: `${++version}`, epoch: 1 }
    const nothing = { documents: [], log: [], positions: [] }
    return store.own({ kind: 'commit', commit: { ...commit, ...nothing, ...change } })
  }
  const write = (document: EngineDocument | string) => {
    const text = typeof document === 'string' ? document : JSON.stringify(document)
    return commit({ documents: [{ peer: 'a', text }] })
  }
  /** What is new in it beside a document that was written in full. */
  const budget = (document: EngineDocument, base: EngineDocument) =>
    commit({ budgets: [{ peer: 'a', text: JSON.stringify(budgetNoteOf(base, document)) }] })
  return { store, troubles, delivered, unheard, transport, mail, write, budget }
}

describe('EngineTransport', () => {
  it('hands documents to the handler, and what it passes on to the engine', async () => {
    const handled: unknown[] = []
    const { write, delivered } = await engine((message) => {
      handled.push(message)
      return undefined
    })
    await write(documentOf('a', 1))
    await expect.poll(() => delivered, patient).toEqual([documentOf('a', 1)])
    await write(documentOf('a', 2))
    await expect.poll(() => delivered, patient).toEqual([documentOf('a', 1), documentOf('a', 2)])
    expect(handled).toEqual(delivered)
  })

  it('hands over in full what came as a budget beside a document', async () => {
    const { write, budget, delivered } = await engine(() => undefined)
    const [full, richer, poorer] = [1, 2, 3].map((sequence) => ({
      ...documentOf('a', sequence),
      budget: { round: sequence, tokens: 10 * sequence, lentTokens: 0, floor: 0 },
    }))
    await write(full)
    await expect.poll(() => delivered, patient).toEqual([full])
    await budget(richer, full)
    await expect.poll(() => delivered, patient).toEqual([full, richer])
    await budget(poorer, full)
    await expect.poll(() => delivered, patient).toEqual([full, richer, poorer])
  })

  it('reads the document that a budget is beside, where its tick was lost', async () => {
    const { write, budget, delivered, unheard } = await engine(() => undefined)
    const lost = { ...documentOf('a', 5), leaseBundles: 7 }
    const newest = { ...lost, sequence: 6, budget: { round: 6, tokens: 60, lentTokens: 0, floor: 0 } }
    await write(documentOf('a', 1))
    await expect.poll(() => delivered, patient).toHaveLength(1)
    unheard.add('document')
    await write(lost)
    await budget(newest, lost)
    await expect.poll(() => delivered.at(-1), patient).toEqual(newest)
  })

  it('keeps only the newest document while the handler is busy, and handles one at a time', async () => {
    let release = () => {}
    let busy = 0
    const { write, delivered } = await engine(async () => {
      expect(++busy).toBe(1)
      await new Promise<void>((resolve) => {
        release = resolve
      })
      busy--
      return undefined
    })
    for (let sequence = 1; sequence <= 6; sequence++) {
      await write(documentOf('a', sequence))
      await expect.poll(() => busy, patient).toBe(1)
    }
    release()
    await expect.poll(() => delivered, patient).toHaveLength(1)
    await expect.poll(() => busy, patient).toBe(1)
    release()
    await expect.poll(() => delivered.map(({ sequence }) => sequence), patient).toEqual([1, 6])
  })

  it('handles a document again when the handler has failed, and delivers it once', async () => {
    let failures = 1
    const { write, mail, delivered, troubles } = await engine(() => {
      if (failures-- > 0) throw new Error('not now')
      return undefined
    })
    await write(documentOf('a', 1))
    await expect.poll(() => troubles, patient).toHaveLength(1)
    expect(troubles[0]).toMatchObject({ kind: 'handler_failed', actor: 'p', peer: 'a', pattern: 'document' })
    expect(delivered).toEqual([])
    // A heartbeat brings the document back.
    mail.send(heartbeat('a', 1))
    await expect.poll(() => delivered, patient).toEqual([documentOf('a', 1)])
    mail.send(heartbeat('a', 2))
    await mail.close()
    expect(delivered).toHaveLength(1)
  })

  it('reports what is no document, once, and takes the next one', async () => {
    const { write, mail, delivered, troubles } = await engine(() => undefined)
    await write('{"engine":"a"}')
    await expect.poll(() => troubles, patient).toHaveLength(1)
    mail.send(heartbeat('a', 1))
    await write(documentOf('a', 1))
    await expect.poll(() => delivered, patient).toHaveLength(1)
    expect(troubles).toEqual([
      expect.objectContaining({ kind: 'unreadable', problems: expect.arrayContaining([expect.any(String)]) }),
    ])
  })

  it('takes an unchanged document once more when its driver begins anew', async () => {
    const { write, mail, delivered } = await engine(() => undefined)
    await write(documentOf('a', 1))
    await expect.poll(() => delivered, patient).toHaveLength(1)
    mail.again()
    mail.send(heartbeat('a', 1))
    await expect.poll(() => delivered, patient).toHaveLength(2)
  })

  it('says everything in order, and has said it when it is closed', async () => {
    const { store, mail, transport } = await engine(() => undefined)
    const said: EngineMessage[] = [join('a'), request('a', 2), request('a', 3)]
    for (const message of said) mail.send(message)
    await lastValueFrom(
      transport.client.emit('cancel', { kind: 'cancel', engine: 'a', incarnation: 1, number: 4, id: 'x' }),
    )
    mail.send({ kind: 'leave', engine: 'a', incarnation: 1, number: 5 })
    await mail.close()
    const command: StoreCommand = {
      kind: 'peek',
      positions: [{ peer: 'a', position: BEFORE_ALL }],
      limit: 100,
    }
    const left = await store.own(command)
    const letters = left.kind === 'peeked' ? left.letters.map(({ text }) => JSON.parse(text).number) : []
    expect(letters).toEqual([1, 2, 3, 4, 5])
  })

  it('rings for the owner when a heartbeat comes before its time, and else does not', async () => {
    const { store, mail } = await engine(() => undefined)
    let bells = 0
    await store.onBell(() => bells++)
    mail.send(heartbeat('a', 1))
    await mail.close()
    expect(bells).toBe(0)
    mail.send(heartbeat('a', 2))
    await mail.close()
    expect(bells).toBe(1)
  })
})
