import 'reflect-metadata'
import {
  engineLetterSchema,
  heartbeatSchema,
  poolWordSchema,
  type PreemptionRequest,
} from '@kvasir/contracts'
import { Ear, type Peeked, type PoolSpeech } from '@kvasir/coordinator-core'
import {
  connectTransport,
  type Ears,
  MessageController,
  OwnerTransport,
  poolLanguage,
  type Said,
} from '@kvasir/platform'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Ctx, EventPattern, Payload } from '@nestjs/microservices'
import { FastifyAdapter } from '@nestjs/platform-fastify'

/** Bar of the issue: what Nest may add to a message, us. */
const BAR_US = 20
/** Decisions a second on one pool that the issue asks for. */
const DECISIONS_PER_SECOND = 5_000

/** Letters of one look at the store, from so many engines. */
const LETTERS = 4_096
const ENGINES = 16
const REPEATS = 15

export interface TransportBenchResult {
  readonly letters: number
  readonly repeats: number
  /** Reading a letter by its schema alone, and with its handler, us; medians. */
  readonly readUs: number
  readonly handledUs: number
  /** The difference, of the medians: what Nest costs a letter. */
  readonly nestUs: number
  readonly barUs: number
  /** Share of a core that Nest takes at so many decisions a second on one pool. */
  readonly decisionsPerSecond: number
  readonly coreShare: number
}

/** Times the way of a letter from the store's text to the machine's input, with Nest's handlers and without, in turns. */
export async function transportBench(): Promise<TransportBenchResult> {
  const { ears, close } = await handledEars()
  const plain = new Ear<PoolSpeech>({
    letter: (text) => engineLetterSchema.parse(JSON.parse(text)),
    heartbeat: (text) => heartbeatSchema.parse(JSON.parse(text)),
    word: (text) => poolWordSchema.parse(JSON.parse(text)),
  })
  const read: number[] = []
  const handled: number[] = []
  const peeked = look()
  for (let repeat = -3; repeat < REPEATS; repeat++) {
    const readUs = await timed(peeked, plain)
    const handledUs = await timed(peeked, ears)
    // The first ones warm up.
    if (repeat < 0) continue
    read.push(readUs)
    handled.push(handledUs)
  }
  await close()
  const [readUs, handledUs] = [median(read), median(handled)]
  const nestUs = handledUs - readUs
  const coreShare = (nestUs * DECISIONS_PER_SECOND) / 1e6
  return {
    letters: LETTERS,
    repeats: REPEATS,
    readUs,
    handledUs,
    nestUs,
    barUs: BAR_US,
    decisionsPerSecond: DECISIONS_PER_SECOND,
    coreShare,
  }
}

/** Per letter. */
async function timed(peeked: Peeked, ears: Ears<PoolSpeech>): Promise<number> {
  const started = performance.now()
  const { letters } = await ears.hear(peeked)
  const us = (1_000 * (performance.now() - started)) / LETTERS
  if (letters.filter(({ read }) => read).length !== LETTERS) throw new TypeError('letters were lost')
  return us
}

/** An application whose handlers pass everything on, as the coordinator's do. */
async function handledEars() {
  const transport = new OwnerTransport(({ kind }) => {
    throw new TypeError(`a message was ${kind}`)
  })
  class Messages {
    pass(message: unknown, said: Said<unknown>): void {
      said.pass(message)
    }
  }
  decorate(Messages.prototype)
  MessageController()(Messages)
  class BenchModule {}
  Module({ controllers: [Messages] })(BenchModule)
  const app = await NestFactory.create(BenchModule, new FastifyAdapter(), { logger: false })
  connectTransport(app, transport)
  await app.startAllMicroservices()
  return { ears: transport.ears('bench', poolLanguage), close: () => app.close() }
}

/** As decorators would, which this application is not compiled for. */
function decorate(prototype: { pass(message: unknown, said: Said<unknown>): void }): void {
  const patterns = ['join', 'leave', 'request', 'cancel', 'heartbeat', 'word', 'report', 'model', 'orders']
  Payload()(prototype, 'pass', 0)
  Ctx()(prototype, 'pass', 1)
  EventPattern<readonly string[]>(patterns)(prototype, 'pass', { value: prototype.pass })
}

function look(): Peeked {
  const letters = Array.from({ length: LETTERS }, (_, i) => {
    const engine = `e${i % ENGINES}`
    return { peer: engine, position: `${i}-0`, text: JSON.stringify(request(engine, i)) }
  })
  return { kind: 'peeked', own: null, peers: [], heartbeats: [], letters }
}

function request(engine: string, number: number): PreemptionRequest {
  const wanted = { bundles: 4, minBundles: 1, priority: 0, class: 'auto', withinUs: 2_000_000 } as const
  return { kind: 'request', engine, incarnation: 1, number, id: `${engine}/1/${number}`, ...wanted }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}
