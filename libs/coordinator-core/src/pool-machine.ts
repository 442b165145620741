import {
  type EngineDocument,
  type EngineMessage,
  type EngineTerms,
  type Heartbeat,
  isIdle,
  type PoolReport,
  type PreemptionDecision,
  type RoundRecord,
  type ShareDocument,
} from '@kvasir/contracts'
import type { Machine, Micros } from '@kvasir/kernel'
import { Ledger } from '@kvasir/reclaim'
import { Broker } from './broker.js'
import { ClusterLink } from './cluster/cluster-link.js'
import { needsOf } from './cluster/pool-report.js'
import type { PoolOrigin } from './decision-log/pool-origin.js'
import { documentFor, farewellFor } from './document.js'
import type { Member } from './member.js'
import { Membership } from './membership.js'
import { needsDiffer } from './material-change.js'
import { type MemoryRegime, memoryRegimeOf } from './memory-regime.js'
import type { PoolDecision } from './pool-decision.js'
import { inOneShape, type PoolOptions } from './pool-options.js'
import type { PoolState } from './pool-state.js'
import type { HeldBundles } from './owner/hosted.js'
import { Registry } from './registry.js'
import { RoundClock } from './round-clock.js'
import { Rounds } from './rounds.js'
import { isScarce } from './scarcity.js'

/**
 * A pool without work waits so many rounds longer than to the next one: longer than its owner waits between two looks, with which a round
 * mostly comes.
 */
const RESTING_ROUNDS = 11

/** Under this name lies what nobody has claimed yet. */
export const UNCLAIMED = '(unclaimed)'

export type PoolInput =
  | { readonly kind: 'wake' }
  | { readonly kind: 'message'; readonly message: EngineMessage }
  /** An operator's change; it holds from the next round on. */
  | { readonly kind: 'terms'; readonly model: string; readonly terms: EngineTerms }
  /** The cluster's word on this pool; it holds from the next round on. */
  | { readonly kind: 'shares'; readonly document: ShareDocument }
  /** What the device says is mapped, after everything it was told to take. */
  | { readonly kind: 'mapping'; readonly held: readonly HeldBundles[] }

export type PoolEffect =
  | { readonly kind: 'document'; readonly document: EngineDocument }
  | { readonly kind: 'decision'; readonly decision: PreemptionDecision }
  | { readonly kind: 'round'; readonly record: RoundRecord }
  /** A line of the decision log: what was decided, and from what. */
  | { readonly kind: 'log'; readonly origin: PoolOrigin; readonly decision: PoolDecision }
  /** The engine is gone for certain: the device shall take what it still has mapped. */
  | { readonly kind: 'evict'; readonly engine: string; readonly incarnation: number }
  /** What the cluster shall know. */
  | { readonly kind: 'report'; readonly report: PoolReport }

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
  readonly #cluster: ClusterLink
  #supplyWanted = false
  #effects: PoolEffect[] = []

  /** @param after number of the last round that an earlier owner may have run. */
  constructor(given: PoolOptions, after = 0) {
    const options = inOneShape(given)
    const { bundles, settings } = options
    this.#options = options
    this.#regime = memoryRegimeOf(options.policy, settings)
    this.#registry = new Registry(options.terms)
    this.ledger = new Ledger(bundles)
    const { ledger } = this
    const regime = this.#regime
    const origin = { pool: options.pool, epoch: options.epoch, observeOnly: settings.observeOnly }
    const log = (decision: PoolDecision) => this.#effects.push({ kind: 'log', origin, decision })
    this.#broker = new Broker({
      ledger,
      settings,
      regime,
      bundles,
      member: (engine) => this.#registry.find(engine),
      members: () => this.members,
      decided: (decision) => this.#effects.push({ kind: 'decision', decision }),
      log,
    })
    this.#rounds = new Rounds({ options, regime, ledger, broker: this.#broker, log })
    this.#clock = new RoundClock(settings.roundUs, { after, phaseUs: options.roundPhaseUs ?? 0 })
    this.#cluster = new ClusterLink(options.pool, options.epoch)
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

  /** How often an operator's terms were taken over. */
  get termsSet(): number {
    return this.#registry.termsSet
  }

  /** Whether nobody has work. */
  get idle(): boolean {
    return this.members.every(({ heartbeat }) => heartbeat !== undefined && isIdle(heartbeat))
  }

  nextDeadline(): Micros | undefined {
    if (this.members.length === 0) return undefined
    return Math.min(this.#nextRoundUs(), this.#broker.nextDeadline())
  }

  /** While nobody has work and nothing changes, a round only looks who is still there. No getter: a private one is a call into the runtime. */
  #nextRoundUs(): Micros {
    const rests = !this.#clock.changed && this.idle
    return this.#clock.nextUs + (rests ? RESTING_ROUNDS * this.#options.settings.roundUs : 0)
  }

  /**
   * Goes on from where the last owner was: with what it knew, if the store has that still, and with what the device says is mapped,
   * which is the truth. Where the device is silent, everything is quarantined until engines have said under this epoch what they hold.
   */
  takeOver(
    now: Micros,
    state: PoolState | null,
    device: readonly HeldBundles[] | 'silent',
  ): readonly PoolEffect[] {
    this.#effects = []
    const unknown = { engine: UNCLAIMED, incarnation: undefined, bundles: this.#options.bundles }
    for (const held of device === 'silent' ? [unknown] : device) this.#membership.isolate(now, held)
    for (const [model, terms] of state?.terms ?? []) this.#registry.setTerms(model, terms)
    for (const departed of state?.departed ?? []) this.#registry.restoreDeparted(departed)
    for (const member of state?.members ?? []) {
      const held = device !== 'silent' && device.find(({ engine }) => engine === member.engine)
      // Another incarnation's bundles are not this one's: they stay in quarantine.
      const mine = held && held.incarnation === member.incarnation
      this.#membership.welcomeBack(now, member, device !== 'silent' && (mine || !held))
    }
    for (const message of state?.open ?? []) {
      const member = this.#registry.find(message.engine)
      if (member?.incarnation === message.incarnation) this.#broker.request(now, member, message)
    }
    this.#flush()
    return this.#effects
  }

  /** What the next owner must know. */
  pack(): PoolState {
    return {
      version: 1,
      round: this.#clock.number,
      ...this.#registry.pack(),
      open: this.#broker.openMessages,
    }
  }

  /** @param more whether another input follows at once: what all of them lead to is said after the last. */
  step(now: Micros, input: PoolInput, more = false): readonly PoolEffect[] {
    this.#effects = []
    if (input.kind === 'message') this.#receive(now, input.message)
    if (input.kind === 'terms') this.#setTerms(input.model, input.terms)
    if (input.kind === 'shares') this.#takeShares(now, input.document)
    if (input.kind === 'mapping') this.#membership.confirm(now, input.held)
    if (!more && now >= this.#clock.nextUs && this.members.length > 0) this.#runRound(now)
    this.#broker.expire(now)
    if (more) return this.#effects
    this.#noteScarcity(now)
    this.#flush()
    return this.#effects
  }

  // 1. What engines and operators say.

  #receive(now: Micros, message: EngineMessage): void {
    const known = this.#registry.find(message.engine)
    if (message.kind === 'join' && known?.incarnation !== message.incarnation) {
      if (this.#cluster.isDraining(message.model)) return
      return this.#membership.join(now, message)
    }
    const member = message.kind === 'heartbeat' ? this.#recognise(now, message, known) : known
    // A stranger or an older incarnation changes nothing (law 3).
    if (member?.incarnation !== message.incarnation) return this.#turnAway(message)
    if (message.kind === 'heartbeat') return this.#heartbeat(now, member, message)
    // In order and once: what comes after a gap is sent again by its engine, together with what was lost.
    if (message.number !== member.processedThrough + 1) return
    member.processedThrough = message.number
    member.heardUs = now
    switch (message.kind) {
      case 'join':
        // It became a member by its heartbeat: the store had forgotten it.
        return
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
    // It was told so by an owner whose last words the store has forgotten.
    member.processedThrough = Math.max(member.processedThrough, heartbeat.processedThrough)
    member.dirty = true
    // What no document has carried yet (0) cannot have been read.
    if (member.outcomes.length > 0)
      member.outcomes = member.outcomes.filter(
        ({ sequence }) => sequence === 0 || heartbeat.epoch !== epoch || sequence > heartbeat.sequence,
      )
    const scarceOf = this.#supplyWanted ? this.#options.bundles : Infinity
    const differs = !member.divided || needsDiffer(member.divided, heartbeat, scarceOf)
    if (differs) this.#clock.noteChange()
    // Replanned at once, but not more often than the other engines could follow.
    if (differs && this.members.length > 1) this.#clock.soon(now)
    // What a heartbeat says it holds counts only if it knows of the oldest order and of the newest larger lease.
    const known = Math.max(member.revokedAt, member.raisedAt)
    if (!member.counted && heartbeat.epoch === epoch) {
      member.counted = true
      this.#membership.claim(member, UNCLAIMED, heartbeat.held)
    }
    const { free } = this.ledger
    if (heartbeat.epoch === epoch && heartbeat.sequence >= known)
      this.#broker.released(now, member, heartbeat.held)
    // What has come free is for whoever lacks it, and not only in the next round.
    if (this.ledger.free > free && this.members.length > 1) {
      this.#clock.noteChange()
      this.#clock.soon(now)
    }
    this.#membership.heard(now, member)
  }

  /**
   * The member that speaks. One nobody here has heard of, or a later run of one, was a member before the store forgot it: its heartbeat says
   * all that a join would.
   */
  #recognise(now: Micros, heartbeat: Heartbeat, known: Member | undefined): Member | undefined {
    const { engine, incarnation, model, processedThrough, epoch } = heartbeat
    const newest = known?.incarnation ?? this.#registry.departed(engine)?.incarnation ?? -1
    // Whoever was a member in this epoch is known.
    if (newest >= incarnation || epoch === 0 || epoch >= this.#options.epoch) return known
    const budget = { tokens: 0, lentTokens: 0, floorTokens: 0 }
    // Documents of this epoch begin anew; those of an older one are older whatever their number.
    const earlier = { engine, incarnation, model, processedThrough, sequence: 0, outcomes: [], ...budget }
    this.#membership.welcomeBack(now, earlier, this.ledger.quarantinedOf(UNCLAIMED) === 0)
    return this.#registry.find(engine)
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

  #takeShares(now: Micros, document: ShareDocument): void {
    for (const { model, terms } of this.#cluster.receive(now, document)) this.#setTerms(model, terms)
  }

  // 2. What time does.

  #runRound(now: Micros): void {
    this.#clock.begin(now)
    this.#membership.watch(now)
    const weights = this.#cluster.weightsFor(now, this.members)
    if (this.#stands(now, weights)) return this.#tellCluster(now)
    this.#clock.clearChange()
    const record = this.#rounds.run(now, this.members, this.#clock.number, weights)
    this.#effects.push({ kind: 'round', record })
    this.#tellCluster(now)
  }

  /** One engine with about the same needs gets the same answer, and so do several without work, or of whom nothing new is known. */
  #stands(now: Micros, weights: readonly number[] | undefined): boolean {
    if (this.#clock.changed) return false
    return this.members.length <= 1 || this.idle || this.#rounds.stands(now, this.members, weights)
  }

  #tellCluster(now: Micros): void {
    const { clusterUnits } = this.#options
    const round = this.#rounds.newest
    if (clusterUnits === undefined || !round || this.members.length === 0) return
    const { claims } = round.division.input
    // A pool of one is not divided anew as long as nothing changes; who came since is told of after its first round.
    if (this.members.some(({ engine }, i) => claims[i]?.id !== engine)) return
    const report = this.#cluster.reportOf(
      now,
      needsOf(this.members, round, this.#registry.models, clusterUnits),
    )
    if (report) this.#effects.push({ kind: 'report', report })
  }

  // 3. What engines are told.

  /** Supply curves are asked for while memory is scarce, and for a while after a request could not be met without them. */
  #noteScarcity(now: Micros): void {
    const wanted = this.members.length > 1 && this.#regime.donors !== 'none' && this.#isScarce(now)
    if (wanted === this.#supplyWanted) return
    this.#supplyWanted = wanted
    for (const member of this.members) member.dirty = true
  }

  #isScarce(now: Micros): boolean {
    const { members, ledger } = this
    const { bundles } = this.#options
    const { supplyMissedUs } = this.#broker
    return isScarce({ now, members, ledger, bundles, supplyMissedUs })
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
