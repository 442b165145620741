import type {
  EngineDocument,
  EngineMessage,
  EngineTerms,
  Heartbeat,
  PreemptionDecision,
  RoundRecord,
} from '@kvasir/contracts'
import type { Machine, Micros } from '@kvasir/kernel'
import { Ledger } from '@kvasir/reclaim'
import { Broker } from './broker.js'
import { documentFor, farewellFor } from './document.js'
import type { Member } from './member.js'
import { Membership } from './membership.js'
import { needsDiffer } from './material-change.js'
import { type MemoryRegime, memoryRegimeOf } from './memory-regime.js'
import type { PoolOptions } from './pool-options.js'
import { Registry } from './registry.js'
import { RoundClock } from './round-clock.js'
import { Rounds } from './rounds.js'
import { isScarce } from './scarcity.js'

export type PoolInput =
  | { readonly kind: 'wake' }
  | { readonly kind: 'message'; readonly message: EngineMessage }
  /** An operator's change; it holds from the next round on. */
  | { readonly kind: 'terms'; readonly model: string; readonly terms: EngineTerms }

export type PoolEffect =
  | { readonly kind: 'document'; readonly document: EngineDocument }
  | { readonly kind: 'decision'; readonly decision: PreemptionDecision }
  | { readonly kind: 'round'; readonly record: RoundRecord }
  /** The engine is gone for certain: the device shall take what it still has mapped. */
  | { readonly kind: 'evict'; readonly engine: string; readonly incarnation: number }

/**
 * The owner of one pool: registry slice, rounds, leases and the broker. It decides and keeps the books; documents carry
 * every decision to the engines in full.
 */
export class PoolMachine implements Machine<PoolInput, PoolEffect> {
  readonly ledger: Ledger
  readonly #options: PoolOptions
  readonly #regime: MemoryRegime
  readonly #registry: Registry
  readonly #broker: Broker
  readonly #rounds: Rounds
  readonly #clock: RoundClock
  readonly #membership: Membership
  #supplyWanted = false
  #effects: PoolEffect[] = []

  constructor(options: PoolOptions) {
    const { bundles, settings } = options
    this.#options = options
    this.#regime = memoryRegimeOf(options.policy)
    this.#registry = new Registry(options.terms)
    this.ledger = new Ledger(bundles)
    const { ledger } = this
    const regime = this.#regime
    this.#broker = new Broker({
      ledger,
      settings,
      regime,
      bundles,
      member: (engine) => this.#registry.find(engine),
      members: () => this.members,
      decided: (decision) => this.#effects.push({ kind: 'decision', decision }),
    })
    this.#rounds = new Rounds({ options, regime, ledger, broker: this.#broker })
    this.#clock = new RoundClock(settings.roundUs)
    this.#membership = new Membership({
      options,
      regime,
      ledger,
      clock: this.#clock,
      broker: this.#broker,
      registry: this.#registry,
      evict: (engine, incarnation) => this.#effects.push({ kind: 'evict', engine, incarnation }),
    })
  }

  /** Sorted by engine id. */
  get members(): readonly Member[] {
    return this.#registry.members
  }

  nextDeadline(): Micros | undefined {
    if (this.members.length === 0) return undefined
    return Math.min(this.#clock.nextUs, this.#broker.nextDeadline())
  }

  step(now: Micros, input: PoolInput): readonly PoolEffect[] {
    this.#effects = []
    if (input.kind === 'message') this.#receive(now, input.message)
    if (input.kind === 'terms') this.#setTerms(input.model, input.terms)
    if (now >= this.#clock.nextUs && this.members.length > 0) this.#runRound(now)
    this.#broker.expire(now)
    this.#noteScarcity(now)
    this.#flush()
    return this.#effects
  }

  // 1. What engines and operators say.

  #receive(now: Micros, message: EngineMessage): void {
    if (message.kind === 'join') return this.#membership.join(now, message)
    const member = this.#registry.find(message.engine)
    // A stranger or an older incarnation changes nothing (law 3).
    if (member?.incarnation !== message.incarnation) return this.#turnAway(message)
    if (message.kind === 'heartbeat') return this.#heartbeat(now, member, message)
    // In order and once: what comes after a gap is sent again by its engine, together with what was lost.
    if (message.number !== member.processedThrough + 1) return
    member.processedThrough = message.number
    member.heardUs = now
    switch (message.kind) {
      case 'leave':
        return this.#membership.leave(now, member)
      case 'request':
        return this.#broker.request(now, member, message)
      case 'cancel':
        return this.#broker.cancel(now, member, message.id)
    }
  }

  #heartbeat(now: Micros, member: Member, heartbeat: Heartbeat): void {
    const last = member.heartbeat
    if (last && heartbeat.beat <= last.beat) return
    const { epoch } = this.#options
    member.heardUs = now
    member.heartbeat = heartbeat
    member.dirty = true
    member.outcomes = member.outcomes.filter(
      ({ sequence }) => heartbeat.epoch !== epoch || sequence > heartbeat.sequence,
    )
    const differs = !member.divided || needsDiffer(member.divided, heartbeat)
    if (differs) this.#clock.noteChange()
    // Replanned at once, but not more often than the other engines could follow.
    if (differs && this.members.length > 1) this.#clock.soon(now)
    // What a heartbeat says it holds counts only if it knows of the oldest order and of the newest larger lease.
    const known = Math.max(member.revokedAt, member.raisedAt)
    if (heartbeat.epoch === epoch && heartbeat.sequence >= known)
      this.#broker.released(now, member, heartbeat.held)
    this.#membership.heard(now, member)
  }

  /** An engine that is a member no more is told so. */
  #turnAway(message: EngineMessage): void {
    const departed = message.kind === 'heartbeat' ? this.#membership.formerMember(message) : undefined
    if (message.kind !== 'heartbeat' || !departed) return
    const document = farewellFor(departed, message, this.#options.epoch)
    this.#effects.push({ kind: 'document', document })
  }

  #setTerms(model: string, terms: EngineTerms): void {
    this.#registry.setTerms(model, terms)
    this.#clock.noteChange()
  }

  // 2. What time does.

  #runRound(now: Micros): void {
    this.#clock.begin(now)
    this.#membership.watch(now)
    // One engine with about the same needs gets the same answer; several share fractions that move every round.
    if (!this.#clock.changed && this.members.length <= 1) return
    this.#clock.clearChange()
    const record = this.#rounds.run(now, this.members, this.#clock.number)
    this.#effects.push({ kind: 'round', record })
  }

  // 3. What engines are told.

  /** Supply curves are asked for while memory is scarce, and for a while after a request could not be met without them. */
  #noteScarcity(now: Micros): void {
    const { members, ledger } = this
    const { bundles } = this.#options
    const { supplyMissedUs } = this.#broker
    const scarce = isScarce({ now, members, ledger, bundles, supplyMissedUs })
    const wanted = members.length > 1 && this.#regime.donors !== 'none' && scarce
    if (wanted === this.#supplyWanted) return
    this.#supplyWanted = wanted
    for (const member of members) member.dirty = true
  }

  #flush(): void {
    const { bundles, epoch } = this.#options
    for (const member of this.members) {
      if (!member.dirty) continue
      member.dirty = false
      member.sequence++
      const document = documentFor(member, {
        epoch,
        round: this.#clock.number,
        bundles,
        leaseBundles: this.#regime.leaseOf(member, this.ledger, bundles),
        limitBundles: this.#regime.limitOf(member, bundles),
        reclaims: this.#broker.ordersFor(member.engine),
        sharesPool: this.members.length > 1,
        supplyWanted: this.#supplyWanted,
      })
      this.#effects.push({ kind: 'document', document })
    }
  }
}
