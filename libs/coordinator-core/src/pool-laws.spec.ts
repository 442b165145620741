import type { EngineDocument, EngineMessage, PolicyName, PreemptionOutcome } from '@kvasir/contracts'
import { invariant, SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { PoolWorld } from './testing/pool-world.js'

const ENGINES = ['a', 'b', 'c', 'd'] as const
const POLICIES: readonly PolicyName[] = [
  'weighted-max-min',
  'weighted-max-min',
  'proportional',
  'drf',
  'static',
  'kapsl-compat',
]
const WITHIN_US = 2_000_000

const ROUND_US = 100_000

/**
 * A pool under random messages of engines that join, leave, restart, fall silent, release late or never, and whose messages
 * are lost, doubled and out of order.
 */
class RandomPool {
  readonly world: PoolWorld
  ended = 0
  /** Time of asking by id. */
  readonly #open = new Map<string, number>()
  readonly #ids = new Set<string>()
  readonly #answers = new Map<string, PreemptionOutcome>()
  readonly #rng: SeededRng
  readonly #joined = new Map<string, number>()
  readonly #sent: EngineMessage[] = []
  readonly #delayed: EngineMessage[] = []
  readonly #newest = new Map<string, Pick<EngineDocument, 'sequence' | 'incarnation' | 'leaseBundles'>>()

  constructor(seed: number) {
    this.#rng = new SeededRng(seed, 'pool-laws')
    const terms = Object.fromEntries(
      ENGINES.map((engine) => [
        engine,
        {
          weight: 1 + this.#rng.int(4),
          guarantee: this.#rng.int(3) / 10,
          limit: 0.5 + this.#rng.int(6) / 10,
          preemptible: this.#rng.int(5) > 0,
        },
      ]),
    )
    for (const engine of ENGINES) terms[engine].limit = Math.min(1, terms[engine].limit)
    this.world = new PoolWorld({
      bundles: 8 + this.#rng.int(120),
      policy: POLICIES[this.#rng.int(POLICIES.length)],
      settings: { movePerRound: this.#rng.uniform(), reserveShare: this.#rng.int(3) / 20 },
      terms,
    })
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) {
      this.world.pass(this.#rng.int(8) === 0 ? this.#rng.int(5_000_000) : this.#rng.int(120_000))
      this.#check()
      this.#act(ENGINES[this.#rng.int(ENGINES.length)])
      this.#check()
    }
    this.world.pass(WITHIN_US + 2 * ROUND_US)
    this.#check()
  }

  #act(engine: string): void {
    const { world } = this
    const chance = this.#rng.int(100)
    const incarnation = this.#joined.get(engine) ?? 0
    if (incarnation === 0 || chance < 2) {
      this.#joined.set(engine, incarnation + 1)
      return world.join(engine, { incarnation: incarnation + 1 })
    }
    if (chance < 4) return this.#leave(engine)
    if (chance < 20) return this.#ask(engine)
    if (chance < 30 && this.#sent.length > 0)
      return this.#deliver(this.#sent[this.#rng.int(this.#sent.length)])
    if (chance < 40 && this.#delayed.length > 0)
      return this.#deliver(this.#delayed.splice(this.#rng.int(this.#delayed.length), 1)[0])
    const message = this.#heartbeat(engine)
    this.#sent.push(message)
    if (chance < 45) this.#delayed.push(message)
    else this.#deliver(message)
  }

  #leave(engine: string): void {
    this.world.leave(engine)
    this.#joined.set(engine, (this.#joined.get(engine) ?? 0) + 1)
    this.world.join(engine, { incarnation: this.#joined.get(engine) ?? 0 })
  }

  #ask(engine: string): void {
    const bundles = 1 + this.#rng.int(30)
    const message = this.world.requestOf(engine, {
      bundles,
      minBundles: 1 + this.#rng.int(bundles),
      priority: this.#rng.int(4),
      withinUs: WITHIN_US,
    })
    const earlier = [...this.#ids]
    const repeated = earlier.length > 0 && this.#rng.int(5) === 0
    const sent = repeated ? { ...message, id: earlier[this.#rng.int(earlier.length)] } : message
    this.#sent.push(sent)
    this.#deliver(sent)
  }

  /** A random report; it holds what it must, or has not released yet. */
  #heartbeat(engine: string): EngineMessage {
    const document = this.world.document(engine)
    const owed = document.reclaims.reduce((sum, order) => sum + order.bundles, 0)
    const held = document.leaseBundles + this.#rng.int(owed + 1)
    const inUse = this.#rng.int(held + 1)
    return this.world.heartbeatOf(engine, {
      held,
      inUse,
      bundles: inUse + this.#rng.int(20),
      tokens: this.#rng.int(3_000),
      supply: [1, 2, 4, 8].map((bundles) => ({ priority: this.#rng.int(3), bundles, costUs: bundles * 100 })),
    })
  }

  #deliver(message: EngineMessage): void {
    const member = this.world.pool.members.find(({ engine }) => engine === message.engine)
    const known = member?.incarnation === message.incarnation
    const isNew = message.kind === 'request' && known && message.number === member.processedThrough + 1
    if (isNew && !this.#ids.has(message.id)) {
      this.#open.set(message.id, this.world.now)
      this.#ids.add(message.id)
    }
    this.world.send(message)
  }

  #check(): void {
    const { world } = this
    for (const decision of world.decisions.splice(0)) {
      const { id, outcome, granted, minBundles } = decision
      if (outcome === 'planned') continue
      const askedUs = this.#open.get(id)
      invariant(askedUs !== undefined, () => `${id} ended without being open: ${outcome}`)
      this.#open.delete(id)
      invariant(
        decision.atUs <= askedUs + WITHIN_US + 2 * ROUND_US,
        () => `${id}, asked at ${askedUs} us, ended at ${decision.atUs} us`,
      )
      invariant(
        (outcome !== 'granted' && outcome !== 'granted_partial') || granted >= minBundles,
        () => `${id} got ${granted} bundles, of use are ${minBundles}`,
      )
      this.ended++
    }
    for (const [id, askedUs] of this.#open)
      invariant(
        world.now <= askedUs + WITHIN_US + 2 * ROUND_US,
        () => `${id}, asked at ${askedUs} us, is open at ${world.now} us`,
      )
    for (const document of world.documentsSent.splice(0)) this.#checkDocument(document)
  }

  /** Documents rise, and whatever a lease loses is on an order of the same document. */
  #checkDocument(document: EngineDocument): void {
    const { engine, incarnation, leaseBundles, reclaims, member, sequence, outcomes } = document
    for (const outcome of outcomes) {
      const first = this.#answers.get(outcome.id) ?? outcome
      this.#answers.set(outcome.id, first)
      expect(outcome, outcome.id).toEqual(first)
    }
    const before = this.#newest.get(engine)
    this.#newest.set(engine, { sequence, incarnation, leaseBundles })
    if (!before) return
    invariant(sequence > before.sequence, () => `${engine}: document ${sequence} after ${before.sequence}`)
    const lost = before.leaseBundles - leaseBundles
    const ordered = reclaims.reduce((sum, order) => sum + order.bundles, 0)
    invariant(
      lost <= ordered || before.incarnation !== incarnation || !member,
      () => `${engine}: ${lost} bundles fewer, ${ordered} on order`,
    )
  }
}

describe('the laws of a pool', () => {
  const first = Number(process.env['KVASIR_SEED'] ?? 1)
  const runs = 150
  it(`hold under random, stale, doubled and reordered messages (seeds ${first}..${first + runs - 1})`, () => {
    let ended = 0
    for (let seed = first; seed < first + runs; seed++) {
      const pool = new RandomPool(seed)
      try {
        pool.run(150)
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
      ended += pool.ended
    }
    expect(ended).toBeGreaterThan(10 * runs)
  })
})
