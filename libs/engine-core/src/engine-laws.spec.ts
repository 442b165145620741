import type { DeviceCommand, EngineDocument, PreemptionOutcome, ReclaimOrder } from '@kvasir/contracts'
import { SeededRng } from '@kvasir/kernel'
import type { OrderPolicy } from '@kvasir/scheduler'
import { describe, expect, it } from 'vitest'
import type { EngineEffect } from './engine-effect.js'
import { blocksPerBundle, bundleTokens, EngineUnderTest } from './testing/engine-under-test.js'

const orders: OrderPolicy[] = ['fcfs', 'priority', 'srpt', 'fair']

interface Life {
  readonly outputTokens: number
  got: number
  running: boolean
}

/** What all runs met: a sweep that never meets a case proves nothing about it. */
const met = {
  stepped: 0,
  finished: 0,
  aborted: 0,
  left: 0,
  impossible: 0,
  reclaimed: 0,
  expired: 0,
  cancelled: 0,
  stale: 0,
  requests: 0,
  outcomes: 0,
  copied: 0,
  copyRefused: 0,
  brought: 0,
  wentOn: 0,
  turnBeforeMapped: 0,
  early: 0,
  tooEarly: 0,
}

/**
 * One random life of an engine. Its device answers late, is fenced at any time, and shares its bundles with somebody; its owner
 * sends leases, orders and outcomes at random, old ones too. After every input the laws are looked at.
 */
class RandomLife {
  readonly #rng: SeededRng
  readonly #engine: EngineUnderTest
  readonly #lives = new Map<number, Life>()
  #accepted = 0
  #ended = 0
  /** Reclaim orders so far: each is for a request of its own. */
  #orders = 0
  /** Bundles in the pool when the newest document came. */
  #ordered = 0
  #epoch = 1
  #sequence = 1
  /** Commands the device has not answered, oldest first; `execute` among them is a step that runs. */
  #commands: DeviceCommand[] = []
  #waiting = false
  /** It has been told that it is its turn, and has not answered. */
  #hasTurn = false
  #startedUs = 0
  #free = Array.from({ length: 64 }, (_, id) => id)
  #mapped = new Set<number>()
  #requests: string[] = []
  #outcomes: PreemptionOutcome[] = []

  constructor(seed: number) {
    this.#rng = new SeededRng(seed, 'engine-life')
    this.#engine = new EngineUnderTest(
      {
        returnsIdle: this.#rng.int(4) === 0,
        incarnation: 1,
        asksAhead: seed % 2 === 0,
        ...(seed % 3 === 0 ? { promised: { ttftUs: 500_000, tpotUs: 100_000 } } : {}),
      },
      {
        order: orders[this.#rng.int(orders.length)],
        prefixCaching: this.#rng.int(2) === 0,
        sequenceLimit: 1 + this.#rng.int(6),
        stepTokenLimit: 16 + this.#rng.int(200),
        reserveFullSequence: this.#rng.int(2) === 0,
        preemption: (['recompute', 'swap', 'cheapest'] as const)[this.#rng.int(3)],
      },
    )
  }

  run(inputs: number): void {
    this.#see(this.#engine.give({ kind: 'start' }))
    for (let i = 0; i < inputs; i++) this.#randomInput()
    if (this.#rng.int(2) === 0) this.#see(this.#engine.give({ kind: 'stop' }))
    else this.#serveAll()
    expect(this.#ended).toBe(this.#accepted)
    expect(this.#lives.size).toBe(0)
  }

  #randomInput(): void {
    const kind = this.#rng.int(20)
    if (kind < 4) this.#submit()
    else if (kind < 5) this.#abort()
    else if (kind < 8) this.#document(this.#randomDocument())
    else if (kind < 9) this.#staleDocument()
    else if (kind < 10) this.#fence()
    else if (kind < 11) this.#neighbour()
    else if (kind < 13) this.#pass(this.#rng.int(10) === 0 ? 6_000_000 : this.#rng.int(400_000))
    else this.#device()
  }

  #serveAll(): void {
    this.#free = Array.from({ length: 64 }, (_, id) => id).filter((id) => !this.#mapped.has(id))
    for (let turns = 0; this.#lives.size > 0; turns++) {
      expect(turns, 'turns until all is served').toBeLessThan(20_000)
      if (turns % 20 === 0) this.#document({ leaseBundles: 64, guaranteeBundles: 64 })
      this.#device()
      this.#pass(10_000)
    }
  }

  // --- clients and owner ---

  #submit(): void {
    const outputTokens = 1 + this.#rng.int(30)
    const promptTokens = 1 + this.#rng.int(4 * bundleTokens)
    const before = this.#engine.log.length
    const slot = this.#engine.submit({ promptTokens, outputTokens, priority: this.#rng.int(3) })
    if (slot >= 0) {
      expect(this.#lives.has(slot), `slot ${slot} is taken`).toBe(false)
      this.#lives.set(slot, { outputTokens, got: 0, running: false })
      this.#accepted++
    }
    this.#see(this.#engine.log.slice(before))
  }

  #abort(): void {
    const slots = [...this.#lives.keys()]
    if (slots.length === 0) return
    this.#see(this.#engine.give({ kind: 'abort', slot: slots[this.#rng.int(slots.length)] }))
  }

  #randomDocument(): Partial<EngineDocument> {
    const rng = this.#rng
    const leaseBundles = rng.int(12)
    const order = (): ReclaimOrder => ({
      request: `b/1/${++this.#orders}`,
      bundles: 1 + rng.int(6),
      ...[{}, { victimsBelow: null }, { victimsBelow: rng.int(3) }][rng.int(3)],
    })
    if (this.#requests.length > 0 && rng.int(2) === 0)
      this.#outcomes.push(this.#outcome(this.#requests[rng.int(this.#requests.length)]))
    return {
      leaseBundles,
      guaranteeBundles: rng.int(6),
      limitBundles: rng.int(15) === 0 ? 3 + rng.int(3) : 64,
      sharesPool: rng.int(4) > 0,
      supplyWanted: rng.int(2) === 0,
      processedThrough: rng.int(5),
      reclaims: Array.from({ length: rng.int(3) }, order),
      budget: { round: 1, tokens: rng.int(300), lentTokens: rng.int(50), floor: rng.int(20) },
      outcomes: this.#outcomes.slice(-3),
    }
  }

  #outcome(id: string): PreemptionOutcome {
    const granted = this.#rng.int(2) === 0
    return granted ? { kind: 'granted', id, bundles: 1 } : { kind: 'denied', id, reason: 'cooldown' }
  }

  #document(change: Partial<EngineDocument>): void {
    const { bundles } = this.#engine.pool
    this.#ordered = bundles
    this.#see(this.#engine.document({ ...change, epoch: this.#epoch, sequence: ++this.#sequence }))
    if (!this.#stepRuns) this.#expectShrunk(bundles)
  }

  #staleDocument(): void {
    const { lease, pool } = this.#engine.machine
    if (lease.epoch === 0) return
    const before = [lease.document, lease.expiresUs, pool.bundles]
    const older =
      this.#rng.int(2) === 0
        ? { epoch: lease.epoch - 1 }
        : { epoch: lease.epoch, sequence: lease.sequence - this.#rng.int(2) }
    expect(this.#engine.document({ ...this.#randomDocument(), sequence: 9_999, ...older })).toEqual([])
    expect([lease.document, lease.expiresUs, pool.bundles]).toEqual(before)
  }

  /** A new owner: first it fences the device, some time later it sends a document. */
  #fence(): void {
    if (this.#rng.int(3) > 0) return
    this.#epoch++
    this.#sequence = 0
    this.#engine.deviceEpoch = this.#epoch
  }

  #neighbour(): void {
    const taken = this.#rng.int(30)
    this.#free = Array.from({ length: 64 }, (_, id) => id).filter(
      (id) => id >= taken && !this.#mapped.has(id),
    )
  }

  #pass(us: number): void {
    const engine = this.#engine
    const before = engine.log.length
    engine.advanceTo(engine.now + us)
    this.#see(engine.log.slice(before))
  }

  // --- the device ---

  get #stepRuns(): boolean {
    return this.#commands.some(({ kind }) => kind === 'execute')
  }

  #device(): void {
    if (this.#waiting && !this.#hasTurn && this.#commands[0]?.kind === 'map' && this.#rng.int(2) === 0) {
      // What was sent before the engine heard of its turn is still on its way.
      met.turnBeforeMapped++
      this.#giveTurn()
      return
    }
    const command = this.#commands.shift()
    const stale = command !== undefined && 'epoch' in command && command.epoch < this.#engine.deviceEpoch
    if (command === undefined) {
      if (this.#waiting) this.#giveTurn()
    } else if (stale) {
      met.stale++
      this.#see(
        this.#engine.give({ kind: 'refused', engine: 'a', command: command.kind, reason: 'stale_epoch' }),
      )
    } else {
      this.#perform(command)
    }
  }

  #perform(command: DeviceCommand): void {
    const engine = this.#engine
    if (command.kind === 'ready') {
      this.#waiting = !this.#hasTurn
    } else if (command.kind === 'pass') {
      this.#hasTurn = false
    } else if (command.kind === 'map') {
      const bundles = this.#free.splice(0, command.bundles)
      for (const id of bundles) this.#mapped.add(id)
      if (bundles.length > 0) this.#see(engine.give({ kind: 'mapped', engine: 'a', bundles }))
      else this.#see(engine.give({ kind: 'refused', engine: 'a', command: 'map', reason: 'pool_exhausted' }))
    } else if (command.kind === 'copy') {
      this.#copyOut(command)
    } else if (command.kind === 'unmap') {
      for (const id of command.bundles)
        expect(this.#mapped.delete(id), `bundle ${id} was not mapped`).toBe(true)
    } else if (command.kind === 'execute') {
      if (command.ifFree && this.#refusesEarly()) return
      this.#hasTurn = false
      const { bundles } = engine.pool
      const goesOn = command.next !== undefined
      this.#waiting = goesOn
      met.wentOn += goesOn ? 1 : 0
      const executed = {
        startedUs: this.#startedUs,
        finishedUs: engine.now,
        ...(goesOn ? { next: true as const } : {}),
      }
      this.#see(engine.give({ kind: 'executed', engine: 'a', ...executed }))
      this.#expectShrunk(bundles)
    }
  }

  /** A step without a turn begins when the device is free. */
  #refusesEarly(): boolean {
    const refused = this.#rng.int(2) === 0
    if (!refused) {
      met.early++
      return false
    }
    met.tooEarly++
    this.#see(
      this.#engine.give({ kind: 'refused', engine: 'a', command: 'execute', reason: 'not_your_turn' }),
    )
    return true
  }

  #giveTurn(): void {
    this.#waiting = false
    this.#hasTurn = true
    this.#see(this.#engine.give({ kind: 'turn', engine: 'a' }))
  }

  #copyOut({ copy, copies }: Extract<DeviceCommand, { kind: 'copy' }>): void {
    // A device that refuses this would refuse what comes behind it too.
    const last = !this.#commands.some(({ kind }) => kind === 'copy' || kind === 'execute')
    const refused = last && this.#rng.int(8) === 0
    if (refused) met.copyRefused++
    else met.copied += copies.outCount
    this.#see(
      this.#engine.give(
        refused
          ? { kind: 'refused', engine: 'a', command: 'copy', reason: 'not_open' }
          : { kind: 'copied', engine: 'a', copy },
      ),
    )
  }

  /**
   * What the device will copy out is mapped until it has, but for copies that the end of the lease made void: what they save is
   * computed again (docs/adr/0006).
   */
  #expectMapped(command: DeviceCommand): void {
    const leased = this.#engine.now < this.#engine.machine.lease.expiresUs
    if (command.kind === 'unmap' && leased) {
      const reading = this.#commands.flatMap(bundlesRead)
      for (const id of command.bundles) expect(reading, `bundle ${id} is copied from`).not.toContain(id)
    }
    for (const id of bundlesRead(command)) expect(this.#mapped.has(id), `bundle ${id} is mapped`).toBe(true)
  }

  // --- the laws ---

  #see(effects: readonly EngineEffect[]): void {
    for (const effect of effects) this.#seeOne(effect)
    this.#engine.machine.scheduler.audit()
    const { pool, lease } = this.#engine.machine
    // More than the lease is held only until a step boundary, or while the orders spare those who use it.
    if (pool.bundles > lease.bundles(this.#engine.now) && !this.#busy) this.#expectInUse()
  }

  /** The engine has the turn, or a step runs: both end soon, and then it shrinks. */
  get #busy(): boolean {
    return this.#waiting || this.#commands.length > 0
  }

  #seeOne(effect: EngineEffect): void {
    const { scheduler } = this.#engine.machine
    switch (effect.kind) {
      case 'device':
        if (effect.command.kind === 'execute') {
          this.#startedUs = this.#engine.now
          met.brought += effect.command.copies?.inCount ?? 0
        }
        this.#expectMapped(effect.command)
        this.#commands.push(effect.command)
        break
      case 'planned':
        for (const slot of effect.plan.slots.subarray(0, effect.plan.count)) this.#life(slot).running = true
        break
      case 'stepped':
        this.#stepped(effect)
        break
      case 'preempted':
        expect(effect.slots.length).toBeGreaterThan(0)
        for (const slot of effect.slots)
          expect(this.#life(slot).running, `slot ${slot} was stopped`).toBe(true)
        met.reclaimed += effect.cause.kind === 'reclaim' ? 1 : 0
        met.expired += effect.cause.kind === 'lease_expired' ? 1 : 0
        met.cancelled += effect.cause.kind === 'device_refused' ? 1 : 0
        break
      case 'ended':
        this.#end(effect.slot)
        met.aborted += effect.reason === 'aborted' ? 1 : 0
        met.left += effect.reason === 'engine_left' ? 1 : 0
        met.impossible += effect.reason === 'exceeds_lease' ? 1 : 0
        break
      case 'send':
        if (effect.message.kind === 'request' && !this.#requests.includes(effect.message.id))
          this.#requests.push(effect.message.id)
        met.requests += effect.message.kind === 'request' ? 1 : 0
        break
      case 'outcome':
        expect(effect.outcome.id).toBe(this.#requests.at(-1))
        met.outcomes++
        break
      case 'accepted':
      case 'refused':
        break
    }
    expect(scheduler.unfinishedCount).toBeLessThanOrEqual(this.#accepted)
  }

  #stepped({ outcome }: Extract<EngineEffect, { kind: 'stepped' }>): void {
    met.stepped++
    for (const slot of outcome.tokenSlots.subarray(0, outcome.tokenCount)) this.#life(slot).got++
    for (const slot of outcome.finishedSlots.subarray(0, outcome.finishedCount)) {
      const { got, outputTokens } = this.#life(slot)
      expect(got, `tokens of slot ${slot}`).toBe(outputTokens)
      this.#end(slot)
      met.finished++
    }
  }

  #end(slot: number): void {
    this.#life(slot)
    this.#lives.delete(slot)
    this.#ended++
  }

  #life(slot: number): Life {
    const life = this.#lives.get(slot)
    if (!life) throw new Error(`slot ${slot} is not that of an unfinished sequence`)
    return life
  }

  #expectInUse(): void {
    expect(this.#engine.pool.freeBundles, 'free bundles above the lease').toBe(0)
  }

  /** At a step boundary nothing free is held above the lease, and the document's orders for any victim have been followed. */
  #expectShrunk(before: number): void {
    const { pool, lease } = this.#engine.machine
    const excess = pool.bundles - lease.bundles(this.#engine.now)
    if (excess <= 0) return
    this.#expectInUse()
    const wanted = (lease.document?.reclaims ?? []).filter(({ victimsBelow }) => victimsBelow === null)
    const ordered = wanted.reduce((sum, { bundles }) => sum + bundles, 0)
    expect(Math.max(before, this.#ordered) - pool.bundles, 'bundles given back').toBeGreaterThanOrEqual(
      ordered,
    )
  }
}

function bundlesRead(command: DeviceCommand): number[] {
  if (command.kind !== 'copy' && command.kind !== 'execute') return []
  const { copies } = command
  return Array.from({ length: copies?.outCount ?? 0 }, (_, k) =>
    Math.floor((copies?.outs[2 * k] ?? 0) / blocksPerBundle),
  )
}

describe('an engine under random inputs', () => {
  for (let seed = 1; seed <= 100; seed++) {
    it(`keeps the laws, seed ${seed}`, () => new RandomLife(seed).run(300))
  }

  it('has met every case', () => {
    console.info(`engine laws: ${JSON.stringify(met)}`)
    for (const [what, count] of Object.entries(met)) expect(count, what).toBeGreaterThan(0)
  })
})
