import {
  type EngineDocument,
  type EngineMessage,
  engineTermsSchema,
  poolSettingsSchema,
  type ShareDocument,
} from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import type { PoolState } from '../pool-state.js'
import { CLOSING_US } from '../quarantine.js'
import type { HostedOutput, Takeover } from './hosted.js'
import { ordersAtFirst, PoolHost, VIEW_PEER } from './pool-host.js'

const BUNDLES = 100
const settings = poolSettingsSchema.parse({ reserveShare: 0 })
/** Lease and the time of a replaced owner, with what clocks may differ. */
const QUARANTINE_US = 1.02 * (settings.leaseUs + 2_000_000) + 60_000

const pool = {
  pool: 'p',
  bundles: BUNDLES,
  policy: 'weighted-max-min' as const,
  settings,
  terms: new Map(['a', 'b'].map((model) => [model, engineTermsSchema.parse({})])),
  unitsPerToken: new Map<string, number>(),
  nominalRate: new Map<string, number>(),
}

/** An owner and what its engines were told. */
class Owner {
  readonly host: PoolHost
  readonly documents = new Map<string, EngineDocument>()
  readonly outputs: HostedOutput[] = []
  now: number

  constructor(now: number, takeover: Takeover) {
    this.now = now
    this.host = new PoolHost(now, takeover, { pool })
    this.take(this.host.step(now, { kind: 'wake' }))
  }

  take(output: HostedOutput): void {
    this.outputs.push(output)
    for (const { peer, body } of output.documents)
      if (peer !== VIEW_PEER) this.documents.set(peer, JSON.parse(JSON.stringify(body)))
  }

  say(message: EngineMessage, more = false): void {
    const { engine: peer } = message
    const input =
      message.kind === 'heartbeat'
        ? { kind: 'heartbeat' as const, peer, message }
        : { kind: 'letter' as const, peer, message }
    this.take(this.host.step(this.now, input, more))
  }

  pass(us: number): void {
    const until = this.now + us
    for (let at = this.host.nextDeadline(); at !== undefined && at <= until; at = this.host.nextDeadline()) {
      this.now = Math.max(this.now, at)
      this.take(this.host.step(this.now, { kind: 'wake' }))
    }
    this.now = until
  }

  document(engine: string): EngineDocument {
    const document = this.documents.get(engine)
    if (!document) throw new Error(`${engine} was told nothing`)
    return document
  }

  get log(): readonly { readonly kind: string; readonly round?: number; readonly epoch: number }[] {
    return this.outputs.flatMap(({ log }) => log.map((line) => JSON.parse(line)))
  }
}

let beats = 0

function heartbeat(engine: string, owner: Owner | undefined, report: object = {}): EngineMessage {
  const document = owner?.documents.get(engine)
  const { leaseBundles = 0, epoch = 0, sequence = 0, processedThrough = 0 } = document ?? {}
  return {
    kind: 'heartbeat',
    engine,
    incarnation: 1,
    beat: ++beats,
    model: engine,
    processedThrough,
    epoch,
    sequence,
    held: leaseBundles,
    inUse: leaseBundles,
    demand: { tokens: 100, bundles: leaseBundles, tokensPerSecond: 10_000 },
    spentTokens: 0,
    lowestPriority: 0,
    supply: [],
    ...report,
  }
}

/** A pool of `a` and `b` that was well, and what its owner packed last. */
function settled(): { readonly owner: Owner; readonly state: string } {
  const owner = new Owner(0, { epoch: 1, state: null, device: [] })
  for (const engine of ['a', 'b'])
    owner.say({ kind: 'join', engine, incarnation: 1, number: 1, model: engine })
  for (let i = 0; i < 5; i++) {
    owner.pass(100_000)
    for (const engine of ['a', 'b']) owner.say(heartbeat(engine, owner))
  }
  return { owner, state: owner.host.pack() }
}

const mapped = (engine: string, bundles: number, incarnation = 1) => ({ engine, incarnation, bundles })

describe('messages that are heard in one look', () => {
  it('make one document for each engine, which tells of an end though a heartbeat came behind it', () => {
    const { owner } = settled()
    const { sequence } = owner.document('a')
    const sender = { engine: 'a', incarnation: 1, number: 2 }
    const wanted = { id: 'a/1/2', bundles: 1, minBundles: 1, priority: 0, withinUs: 1_000_000 }
    owner.say({ kind: 'request', ...sender, ...wanted, class: 'auto' }, true)
    owner.say(heartbeat('b', owner), true)
    owner.say(heartbeat('a', owner))
    expect(owner.document('a').sequence).toBe(sequence + 1)
    expect(owner.document('a').outcomes.map(({ id }) => id)).toEqual(['a/1/2'])
  })
})

describe('the state of a pool', () => {
  it('has drifted when budgets moved, and changed when more than that did', () => {
    const { owner } = settled()
    owner.say(heartbeat('a', owner))
    expect(owner.outputs.at(-1)).toMatchObject({ changed: false, drifted: true })
    owner.say({ kind: 'cancel', engine: 'a', incarnation: 1, number: 2, id: 'none' })
    expect(owner.outputs.at(-1)).toMatchObject({ changed: true })
  })

  it('changes with a word of the cluster that has new terms, and not with one that has none', () => {
    const { owner } = settled()
    const word = (sequence: number, models: ShareDocument['models']) => {
      const shares = { pool: 'p', epoch: 1, sequence, models, weights: [] }
      owner.take(owner.host.step(owner.now, { kind: 'word', word: { shares, orders: ordersAtFirst(pool) } }))
      return owner.outputs.at(-1)?.changed
    }
    const change = { model: 'a', revision: 1, terms: engineTermsSchema.parse({ weight: 2 }), draining: false }
    expect([word(1, []), word(2, [change]), word(3, [change])]).toEqual([false, true, false])
  })
})

describe('a new owner of a pool', () => {
  it('leases what the device says is mapped, and gives the rest away anew', () => {
    const { state } = settled()
    const next = new Owner(0, { epoch: 2, state, device: [mapped('a', 30), mapped('b', 5)] })
    expect(next.host.machine.ledger.totals).toMatchObject({ quarantined: 0 })
    expect(next.document('a')).toMatchObject({ epoch: 2, member: true, census: false })
    expect(next.document('a').leaseBundles).toBeGreaterThanOrEqual(30)
    expect(next.document('b').leaseBundles).toBeGreaterThanOrEqual(5)
  })

  it('numbers rounds far above those of the last owner, and documents as if it were the same', () => {
    const { owner, state } = settled()
    const { round }: PoolState = JSON.parse(state)
    const next = new Owner(0, { epoch: 2, state, device: [mapped('a', 30), mapped('b', 5)] })
    next.pass(300_000)
    const rounds = next.log.flatMap((line) => (line.kind === 'round' ? (line.round ?? 0) : []))
    expect(Math.min(...rounds)).toBeGreaterThanOrEqual(1_000)
    expect(round).toBeLessThan(1_000)
    expect(next.document('a').sequence).toBeGreaterThan(owner.document('a').sequence)
  })

  it('keeps everything in quarantine where the device is silent, and takes each at its word under the new epoch alone', () => {
    const { owner, state } = settled()
    const before = owner.document('a').leaseBundles
    const next = new Owner(0, { epoch: 7, state, device: 'silent' })
    expect(next.host.machine.ledger.totals).toMatchObject({ free: 0, leased: 0, quarantined: BUNDLES })
    expect(next.document('a')).toMatchObject({ epoch: 7, census: true })
    // Said under the old epoch: it may speak of what was given away since.
    next.say(heartbeat('a', owner, { held: before }))
    expect(next.host.machine.ledger.leasedTo('a')).toBe(0)
    next.say(heartbeat('a', next, { held: before, inUse: before }))
    expect(next.host.machine.ledger.leasedTo('a')).toBe(before)
    expect(next.document('a')).toMatchObject({ census: false, leaseBundles: before })
  })

  it('frees what nobody has claimed when no lease of the last owner can be believed in any more', () => {
    const { state } = settled()
    const next = new Owner(0, { epoch: 2, state, device: 'silent' })
    next.say(heartbeat('a', next, { held: 20, inUse: 20 }))
    const until = (us: number) => {
      while (next.now < us) {
        next.pass(Math.min(300_000, us - next.now))
        next.say(heartbeat('a', next))
      }
    }
    until(QUARANTINE_US - 200_000)
    expect(next.host.machine.ledger.totals.quarantined).toBe(BUNDLES - 20)
    until(QUARANTINE_US + 200_000)
    expect(next.host.machine.ledger.totals.quarantined).toBe(0)
  })

  it('decides open requests again under their ids, once', () => {
    const { owner } = settled()
    const lease = owner.document('b').leaseBundles
    const request = { engine: 'b', incarnation: 1, number: 2, id: 'b/1/1', bundles: BUNDLES - lease }
    // `a` uses its share and offers nothing of it at once: the request waits for its release.
    owner.say(heartbeat('a', owner, { supply: [{ priority: 0, bundles: 40, costUs: 10 }] }))
    owner.say({ kind: 'request', ...request, minBundles: 1, priority: 5, class: 'auto', withinUs: 2_000_000 })
    const state: PoolState = JSON.parse(owner.host.pack())
    expect(state.open.map(({ id }) => id)).toEqual(['b/1/1'])
    const next = new Owner(0, {
      epoch: 2,
      state: JSON.stringify(state),
      device: [mapped('a', 50), mapped('b', 50)],
    })
    next.say({ kind: 'request', ...request, minBundles: 1, priority: 5, class: 'auto', withinUs: 2_000_000 })
    next.pass(3_000_000)
    const ends = next.outputs
      .flatMap(({ log }) => log.map((line) => JSON.parse(line)))
      .filter(({ kind }) => kind === 'end')
    expect(ends.map(({ id }) => id)).toEqual(['b/1/1'])
    expect(next.document('b').outcomes.map(({ id }) => id)).toEqual(['b/1/1'])
  })

  it('knows engines by their heartbeats when the store has forgotten everything', () => {
    const { owner } = settled()
    const next = new Owner(0, { epoch: 2, state: null, device: [mapped('a', 30), mapped('b', 5)] })
    expect(next.host.machine.members).toEqual([])
    next.say(heartbeat('a', owner))
    expect(next.document('a')).toMatchObject({ epoch: 2, member: true, incarnation: 1 })
    expect(next.document('a').leaseBundles).toBeGreaterThanOrEqual(30)
    // What it said before was processed: it goes on from there.
    expect(next.document('a').processedThrough).toBe(1)
    expect(next.host.machine.ledger.totals.quarantined).toBe(5)
  })

  it('does not take away what engines hold when store and device have nothing to say', () => {
    const { owner } = settled()
    const before = owner.document('a').leaseBundles
    const next = new Owner(0, { epoch: 2, state: null, device: 'silent' })
    next.say(heartbeat('a', owner, { held: before, inUse: before }))
    expect(next.document('a')).toMatchObject({ member: true, census: true })
    next.say(heartbeat('a', next, { held: before, inUse: before }))
    expect(next.document('a')).toMatchObject({ census: false, leaseBundles: before })
  })

  it('knows a later run of an engine that the store has forgotten', () => {
    const { owner, state } = settled()
    const next = new Owner(0, { epoch: 2, state, device: [mapped('a', 30, 2)] })
    next.say({ ...heartbeat('a', owner), incarnation: 2 } as EngineMessage)
    expect(next.document('a')).toMatchObject({ incarnation: 2, member: true })
    next.pass(1_000_000)
    expect(next.host.machine.members.map(({ incarnation }) => incarnation)).toContain(2)
  })

  it('goes on from what an engine knows to be processed, where the store remembers less', () => {
    const { owner, state } = settled()
    const next = new Owner(0, { epoch: 2, state, device: [mapped('a', 30), mapped('b', 5)] })
    // The last owner had processed 2 and 3, and said so, before the store forgot it.
    next.say(heartbeat('a', owner, { processedThrough: 3 }))
    next.say({ kind: 'leave', engine: 'a', incarnation: 1, number: 4 })
    expect(next.host.machine.members.map(({ engine }) => engine)).toEqual(['b'])
  })

  it('gives its office up when an engine obeys a higher epoch, and says which', () => {
    const { state } = settled()
    const next = new Owner(0, { epoch: 2, state, device: [mapped('a', 30)] })
    next.say(heartbeat('a', next, { epoch: 9 }))
    expect(next.outputs.at(-1)).toMatchObject({ higherEpoch: 9 })
  })
})

describe('an owner and what the device has mapped', () => {
  const restart = (owner: Owner) =>
    owner.say({ kind: 'join', engine: 'a', incarnation: 2, number: 1, model: 'a' })
  const evictions = (owner: Owner) => owner.outputs.flatMap(({ device }) => device)
  const close = { kind: 'close', engine: 'a', incarnation: 1 }

  it('frees what an earlier run held as soon as the device has taken it, and not before', () => {
    const { owner } = settled()
    const held = owner.document('a').leaseBundles
    restart(owner)
    expect(evictions(owner)).toEqual([close])
    expect(owner.host.machine.ledger.totals.quarantined).toBe(held)
    owner.take(owner.host.step(owner.now, { kind: 'mapping', held: [mapped('b', 5)] }))
    expect(owner.host.machine.ledger.totals.quarantined).toBe(0)
    owner.pass(100_000)
    expect(owner.document('a')).toMatchObject({ incarnation: 2, member: true })
    expect(owner.document('a').leaseBundles).toBeGreaterThan(0)
  })

  it('tells the device again to take what it has still', () => {
    const { owner } = settled()
    restart(owner)
    owner.take(owner.host.step(owner.now, { kind: 'mapping', held: [mapped('a', 30), mapped('b', 5)] }))
    expect(evictions(owner)).toEqual([close, close])
    expect(owner.host.machine.ledger.totals.quarantined).toBeGreaterThan(0)
  })

  it('has the device take what it could not be told that an engine gave back when it left', () => {
    const { owner } = settled()
    owner.say({ kind: 'leave', engine: 'a', incarnation: 1, number: 2 })
    expect(evictions(owner)).toEqual([])
    owner.take(owner.host.step(owner.now, { kind: 'mapping', held: [mapped('a', 30), mapped('b', 5)] }))
    expect(evictions(owner)).toEqual([close])
    owner.take(owner.host.step(owner.now, { kind: 'mapping', held: [mapped('b', 5)] }))
    expect(evictions(owner)).toEqual([close])
  })

  it('has nothing taken from a run that joined it and never said that it holds what the device has', () => {
    const next = new Owner(0, { epoch: 2, state: null, device: [mapped('a', 30)] })
    next.say({ kind: 'join', engine: 'a', incarnation: 1, number: 1, model: 'a' })
    expect(next.host.machine.ledger.quarantinedOf('a')).toBe(30)
    for (let at = 0; at < QUARANTINE_US + 400_000; at += 300_000) {
      next.pass(300_000)
      next.say(heartbeat('a', next))
    }
    expect(next.host.machine.ledger.totals.quarantined).toBe(0)
    next.take(next.host.step(next.now, { kind: 'mapping', held: [mapped('a', 30)] }))
    expect(evictions(next)).toEqual([])
  })

  it('has the device take what nobody has come for', () => {
    const next = new Owner(0, { epoch: 2, state: null, device: [mapped('a', 30), mapped('b', 5)] })
    const { owner } = settled()
    next.say(heartbeat('b', owner))
    const passFor = (us: number) => {
      for (let at = 0; at < us; at += 300_000) {
        next.pass(300_000)
        next.say(heartbeat('b', next))
      }
    }
    passFor(QUARANTINE_US + 400_000)
    expect(evictions(next)).toEqual([close])
    expect(next.host.machine.ledger.totals.quarantined).toBe(30)
    passFor(CLOSING_US)
    expect(next.host.machine.ledger.totals.quarantined).toBe(0)
  })
})
