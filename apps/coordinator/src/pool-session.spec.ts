import { once } from 'node:events'
import { type ClientDuplexStream, credentials, type ServiceError, status } from '@grpc/grpc-js'
import { type EngineDocument, type EngineMessage, engineListSchema } from '@kvasir/contracts'
import { MemoryActors } from '@kvasir/platform'
import {
  documentIn,
  PoolServiceClient,
  type PoolSessionRequest,
  type PoolSessionResponse,
  wireEngineMessage,
} from '@kvasir/wire'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { RunningCoordinator } from './start.js'
import { ask } from './testing/http.js'
import { TestCluster } from './testing/test-cluster.js'

// Real timers and, for some, real processes, on whatever else the machine is doing.
vi.setConfig({ testTimeout: 120_000 })

const WITHIN = { timeout: 40_000, interval: 50 }
const ENGINE = 'chat@foreign'

const stores = new MemoryActors()
const cluster = new TestCluster(() => stores)
let first: RunningCoordinator
let second: RunningCoordinator
const clients: PoolServiceClient[] = []

beforeAll(async () => {
  first = await cluster.coordinator('first', { grpc: { port: 0 } })
  second = await cluster.coordinator('second', { grpc: { port: 0 } })
}, 60_000)

afterEach(() => {
  for (const client of clients.splice(0)) client.close()
})

afterAll(() => cluster.stop())

/** One engine's session, by hand. */
class Session {
  readonly call: ClientDuplexStream<PoolSessionRequest, PoolSessionResponse>
  readonly documents: EngineDocument[] = []
  attached: unknown
  error: ServiceError | undefined

  constructor(at: RunningCoordinator) {
    const client = new PoolServiceClient(at.grpc ?? '', credentials.createInsecure())
    clients.push(client)
    this.call = client.poolSession()
    this.call.on('error', (error: ServiceError) => {
      this.error = error
    })
    this.call.on('data', ({ message }: PoolSessionResponse) => {
      if (message?.$case === 'attached') this.attached = message.value
      if (message?.$case === 'document') this.documents.push(documentIn(message.value, ENGINE))
    })
  }

  attach(incarnation: number, pool = 'left', engine = ENGINE): this {
    this.call.write({ message: { $case: 'attach', value: { pool, engine, incarnation } } })
    return this
  }

  say(message: Wordless): this {
    const whole = { ...message, engine: ENGINE, incarnation: 1 } as EngineMessage
    this.call.write({ message: wireEngineMessage(whole) })
    return this
  }

  async newest(fits: (document: EngineDocument) => boolean): Promise<EngineDocument> {
    await vi.waitFor(() => expect(this.documents.at(-1) && fits(this.documents.at(-1)!)).toBe(true), WITHIN)
    return this.documents.at(-1)!
  }
}

type Wordless = EngineMessage extends infer Message
  ? Message extends EngineMessage
    ? Omit<Message, 'engine' | 'incarnation'>
    : never
  : never

function heartbeat(beat: number, { epoch = 0, sequence = 0 }: Partial<EngineDocument> = {}): Wordless {
  return {
    kind: 'heartbeat',
    beat,
    model: 'chat',
    processedThrough: 0,
    epoch,
    sequence,
    held: 0,
    inUse: 0,
    demand: { tokens: 500, bundles: 40, tokensPerSecond: 10_000 },
    spentTokens: 0,
    lowestPriority: null,
    supply: [],
    url: 'http://127.0.0.1:9',
  }
}

describe('a session of a foreign engine', () => {
  it('says how the pool is run, makes it a member, and leaves with it, at any coordinator', async () => {
    const session = new Session(first).attach(1)
    await vi.waitFor(() => expect(session.attached).toMatchObject({ pool: 'left', bundles: 400, tp: 1 }))
    session.say({ kind: 'join', number: 1, model: 'chat' }).say(heartbeat(1))
    const document = await session.newest(({ member, leaseBundles, ackBeat }) =>
      Boolean(member && leaseBundles > 0 && ackBeat >= 1),
    )
    expect(document).toMatchObject({ incarnation: 1, processedThrough: 1, census: false })
    session.say(heartbeat(2, document))
    const budget = await session.newest((one) => one.budget.tokens + one.budget.lentTokens > 0)
    const listed = async () => engineListSchema.parse((await ask(`${second.url}/v1/engines`)).body).engines
    await vi.waitFor(
      async () => expect(await listed()).toMatchObject([{ engine: ENGINE, url: 'http://127.0.0.1:9' }]),
      WITHIN,
    )
    session.call.end()

    const elsewhere = new Session(second).attach(1)
    // What there is to know it is told at once.
    await elsewhere.newest(({ sequence }) => sequence >= budget.sequence)
    elsewhere.say({ kind: 'request', number: 2, ...question(400), bundles: 9_999, minBundles: 9_999 })
    const denied = await elsewhere.newest(({ outcomes }) => outcomes.length > 0)
    expect(denied.outcomes).toEqual([{ kind: 'denied', id: 'q400', reason: 'pool_too_small' }])
    elsewhere.say({ kind: 'leave', number: 3 }).say(heartbeat(3, denied))
    const farewell = await elsewhere.newest(({ member }) => !member)
    expect(farewell.processedThrough).toBe(3)
    elsewhere.call.end()
    await once(elsewhere.call, 'end')
  })

  it('ends when a later incarnation has its place', async () => {
    const old = new Session(first).attach(5)
    await vi.waitFor(() => expect(old.attached).toBeDefined())
    const newer = new Session(second).attach(6)
    newer.call.write({ message: { $case: 'join', value: { number: 1, model: 'chat' } } })
    await newer.newest(({ member }) => member)
    await vi.waitFor(() => expect(old.error).toMatchObject({ code: status.ABORTED }), WITHIN)
    expect(old.error?.details).toContain('incarnation 6 has its place')
    newer.call.write({ message: { $case: 'leave', value: { number: 2 } } })
    newer.call.end()
  })

  it.each<[string, (session: Session) => void, status, string]>([
    ['a pool there is not', (one) => one.attach(1, 'middle'), status.NOT_FOUND, 'one of left, right'],
    ['a name of something else', (one) => one.attach(1, 'left', '#view'), status.INVALID_ARGUMENT, '#view'],
    ['no incarnation', (one) => one.attach(0), status.INVALID_ARGUMENT, 'incarnation is 0'],
    [
      'a word before it is attached',
      (one) => one.say({ kind: 'leave', number: 1 }),
      status.FAILED_PRECONDITION,
      'the first message is leave',
    ],
    [
      'a second attach',
      (one) => one.attach(1, 'right').attach(1, 'right'),
      status.INVALID_ARGUMENT,
      'attach was said before',
    ],
    [
      'numbers that cannot be, naming them as the wire does',
      (one) => one.attach(1, 'right').say({ kind: 'request', number: 1, ...question(1), minBundles: 0 }),
      status.INVALID_ARGUMENT,
      'request: min_bundles is 0',
    ],
    [
      'a message without content',
      (one) => one.attach(1, 'right').call.write({ message: undefined }),
      status.INVALID_ARGUMENT,
      'missing',
    ],
  ])('refuses %s', async (_, act, code, says) => {
    const session = new Session(first)
    act(session)
    await vi.waitFor(() => expect(session.error).toMatchObject({ code }), WITHIN)
    expect(session.error?.details).toContain(says)
  })
})

function question(bundles: number) {
  const rest = { priority: 0, class: 'auto', withinUs: 1_000_000 } as const
  return { id: `q${bundles}`, bundles, minBundles: bundles, ...rest }
}
