import { type BudgetPolicy, type Carry, policyByName } from '@kvasir/allocation'
import type {
  Cancel,
  EngineDocument,
  EngineMessage,
  EngineTerms,
  Heartbeat,
  Join,
  Leave,
  PolicyName,
  PoolSettings,
  PreemptionDecision,
  RoundRecord,
} from '@kvasir/contracts'
import { compareIds, invariant, type Machine, type Micros } from '@kvasir/kernel'
import { Ledger } from '@kvasir/reclaim'
import { Broker } from './broker.js'
import { documentFor } from './document.js'
import { certainExpiryUs, inUseBundles, livenessOf, type Member } from './member.js'
import { type MemoryRegime, memoryRegimeOf } from './memory-regime.js'
import { divideMemory, memoryClaims } from './memory-round.js'
import { divideTokens, type TokenRound } from './token-round.js'

export interface PoolOptions {
  readonly pool: string
  readonly bundles: number
  readonly policy: PolicyName
  readonly settings: PoolSettings
  /** Terms by model, as registered. */
  readonly terms: ReadonlyMap<string, EngineTerms>
  /** Cost of one token by model, in the pool's unit; absent models cost 1. */
  readonly unitsPerToken: ReadonlyMap<string, number>
  /** Tokens per second by model before an engine has measured any. */
  readonly nominalRate: ReadonlyMap<string, number>
  readonly epoch: number
}

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
  readonly #policy: BudgetPolicy
  readonly #broker: Broker
  /** Sorted by engine id, so that no decision depends on who joined first. */
  #members: Member[] = []
  #byEngine = new Map<string, Member>()
  #terms: Map<string, EngineTerms>
  #round = 0
  #nextRoundUs: Micros = 0
  #replanFromUs: Micros = 0
  #carry: Carry | undefined
  #quarantines: { readonly engine: string; readonly bundles: number; readonly untilUs: Micros }[] = []
  #changed = true
  #supplyWanted = false
  #effects: PoolEffect[] = []

  constructor(options: PoolOptions) {
    this.#options = options
    this.#terms = new Map(options.terms)
    this.#regime = memoryRegimeOf(options.policy)
    const policy = policyByName(options.policy)
    invariant(
      policy.kind === 'policy',
      () => `pool ${options.pool}: ${policy.kind === 'policy' ? '' : policy.message}`,
    )
    this.#policy = policy.policy
    this.ledger = new Ledger(options.bundles)
    this.#broker = new Broker({
      ledger: this.ledger,
      settings: options.settings,
      regime: this.#regime,
      bundles: options.bundles,
      member: (engine) => this.#byEngine.get(engine),
      members: () => this.#members,
      decided: (decision) => this.#effects.push({ kind: 'decision', decision }),
    })
  }

  get members(): readonly Member[] {
    return this.#members
  }

  nextDeadline(): Micros | undefined {
    if (this.#members.length === 0) return undefined
    return Math.min(this.#nextRoundUs, this.#broker.nextDeadline())
  }

  step(now: Micros, input: PoolInput): readonly PoolEffect[] {
    this.#effects = []
    if (input.kind === 'message') this.#receive(now, input.message)
    if (input.kind === 'terms') this.#register(input.model, input.terms)
    if (now >= this.#nextRoundUs && this.#members.length > 0) this.#runRound(now)
    this.#broker.expire(now)
    this.#noteScarcity(now)
    this.#flush()
    return this.#effects
  }

  #register(model: string, terms: EngineTerms): void {
    this.#terms.set(model, terms)
    for (const member of this.#members) if (member.model === model) member.terms = terms
    this.#changed = true
  }

  #receive(now: Micros, message: EngineMessage): void {
    if (message.kind === 'join') return this.#join(now, message)
    const member = this.#byEngine.get(message.engine)
    // A stranger or an older incarnation changes nothing (law 3); it learns so from the absence of documents.
    if (!member || member.incarnation !== message.incarnation) return
    if (message.kind === 'heartbeat') return this.#heartbeat(now, member, message)
    if (message.number <= member.processedThrough) return
    member.processedThrough = message.number
    member.heardUs = now
    switch (message.kind) {
      case 'leave':
        return this.#leave(now, member, message)
      case 'request':
        return this.#broker.request(now, member, message)
      case 'cancel':
        return this.#cancel(now, member, message)
    }
  }

  #join(now: Micros, message: Join): void {
    const earlier = this.#byEngine.get(message.engine)
    if (earlier && earlier.incarnation >= message.incarnation) return
    if (earlier) this.#dismiss(now, earlier, 'vanished')
    const terms = this.#terms.get(message.model)
    if (!terms) return
    const member: Member = {
      engine: message.engine,
      incarnation: message.incarnation,
      model: message.model,
      terms,
      joinedUs: now,
      heardUs: now,
      heartbeat: undefined,
      divided: undefined,
      liveness: 'live',
      leaving: false,
      processedThrough: message.number,
      sequence: 0,
      revokedAt: 0,
      raisedAt: 0,
      leaseBundles: 0,
      dirty: true,
      tokens: 0,
      lentTokens: 0,
      floorTokens: 0,
      entitledBundles: 0,
      fixedBundles: 0,
      grantedUs: -Infinity,
      settledUntilUs: -Infinity,
      settledBundles: 0,
      outcomes: [],
    }
    this.#members = [...this.#members, member].sort((a, b) => compareIds(a.engine, b.engine))
    this.#byEngine.set(member.engine, member)
    this.#changed = true
    // A join is a material change: the newcomer gets its first lease and budget now, not at the next round.
    this.#nextRoundUs = now
  }

  #leave(now: Micros, member: Member, _message: Leave): void {
    this.#dismiss(now, member, 'released')
  }

  /** Ends a membership. What it held is free if it said so itself, else quarantined until no lease can be believed in. */
  #dismiss(now: Micros, member: Member, how: 'released' | 'vanished'): void {
    const { engine, incarnation } = member
    this.#broker.depart(now, member, how)
    if (how === 'released') {
      this.ledger.leave(engine)
    } else {
      this.ledger.drop(engine)
      const bundles = this.ledger.quarantinedOf(engine)
      this.#quarantines.push({
        engine,
        bundles,
        untilUs: now + certainExpiryUs(this.#options.settings.leaseUs),
      })
      this.#effects.push({ kind: 'evict', engine, incarnation })
    }
    this.#members = this.#members.filter((other) => other !== member)
    this.#byEngine.delete(engine)
    this.#changed = true
    this.#nextRoundUs = Math.min(this.#nextRoundUs, now)
  }

  /** Bundles that nobody can believe to hold any more are free. */
  #endQuarantines(now: Micros): void {
    for (const { engine, bundles, untilUs } of this.#quarantines)
      if (now >= untilUs) this.ledger.expire(engine, bundles)
    this.#quarantines = this.#quarantines.filter(({ untilUs }) => now < untilUs)
  }

  #cancel(now: Micros, member: Member, message: Cancel): void {
    this.#broker.cancel(now, member, message.id)
  }

  #heartbeat(now: Micros, member: Member, heartbeat: Heartbeat): void {
    const last = member.heartbeat
    if (last && heartbeat.beat <= last.beat) return
    member.heardUs = now
    member.liveness = 'live'
    member.heartbeat = heartbeat
    member.dirty = true
    member.outcomes = member.outcomes.filter(
      ({ sequence }) => heartbeat.epoch !== this.#options.epoch || sequence > heartbeat.sequence,
    )
    const differs = !member.divided || needsDiffer(member.divided, heartbeat)
    this.#changed ||= differs
    // Replanned at once, but not more often than the other engines could follow.
    if (differs && this.#members.length > 1) this.#nextRoundUs = Math.min(this.#nextRoundUs, Math.max(now, this.#replanFromUs))
    // What a heartbeat says it holds counts only if it knows of the oldest order and of the newest larger lease.
    const known = Math.max(member.revokedAt, member.raisedAt)
    if (heartbeat.epoch === this.#options.epoch && heartbeat.sequence >= known)
      this.#broker.released(now, member, heartbeat.held)
  }

  #runRound(now: Micros): void {
    const { settings } = this.#options
    const { roundUs } = settings
    const skipped = Math.max(0, Math.floor((now - this.#nextRoundUs) / roundUs))
    this.#round += 1 + skipped
    this.#nextRoundUs = (Math.floor(now / roundUs) + 1) * roundUs
    this.#replanFromUs = now + roundUs / 4
    this.#watch(now)
    this.#endQuarantines(now)
    // One engine with about the same needs gets the same answer; several share fractions that move every round.
    if (!this.#changed && this.#members.length <= 1) return
    this.#changed = false
    for (const member of this.#members) member.divided = member.heartbeat
    const round = divideTokens({
      members: this.#members,
      settings,
      policy: this.#policy,
      wakesIdle: this.#options.policy !== 'kapsl-compat',
      unitsPerToken: (model) =>
        settings.countTokens === 'plain' ? 1 : (this.#options.unitsPerToken.get(model) ?? 1),
      nominalRate: (model) => this.#options.nominalRate.get(model) ?? 1,
      bundles: memoryClaims({ now, members: this.#members, bundles: this.#options.bundles, settings }),
      carry: this.#carry,
    })
    this.#carry = round.carry
    this.#assertSumLaw(round)
    this.#members.forEach((member, i) => {
      const share = round.shares[i]
      if (share.tokens === member.tokens && share.lentTokens === member.lentTokens) return
      member.tokens = share.tokens
      member.lentTokens = share.lentTokens
      member.floorTokens = share.floorTokens
      member.dirty = true
    })
    this.#moveMemory(now)
    this.#effects.push({ kind: 'round', record: this.#record(round) })
  }

  /** Supply curves are asked for while memory is scarce, and for a while after a request could not be met without them. */
  #noteScarcity(now: Micros): void {
    let available = this.ledger.free
    for (const member of this.#members) available += Math.max(0, this.ledger.leasedTo(member.engine) - inUseBundles(member, now))
    const scarce = available < SCARCE_SHARE * this.#options.bundles || now < this.#broker.supplyMissedUs + SUPPLY_WANTED_US
    const wanted = this.#members.length > 1 && this.#regime.donors !== 'none' && scarce
    if (wanted === this.#supplyWanted) return
    this.#supplyWanted = wanted
    for (const member of this.#members) member.dirty = true
  }

  /** Law 1, except under the one policy that has no shares. */
  #assertSumLaw(round: TokenRound): void {
    if (this.#options.policy === 'uncoordinated') return
    const { divided, capacity } = round
    invariant(
      divided <= capacity,
      () => `round ${this.#round} of ${this.#options.pool}: ${divided} tokens of ${capacity}`,
    )
  }

  #moveMemory(now: Micros): void {
    const division = divideMemory({
      now,
      members: this.#members,
      bundles: this.#options.bundles,
      free: this.ledger.free,
      leased: (member) => this.ledger.leasedTo(member.engine),
      settings: this.#options.settings,
    })
    this.#members.forEach((member, i) => {
      member.entitledBundles = division.entitlements[i]
    })
    this.#regime.move({
      now,
      members: this.#members,
      division,
      ledger: this.ledger,
      broker: this.#broker,
      bundles: this.#options.bundles,
    })
  }

  #watch(now: Micros): void {
    const { heartbeatUs, leaseUs } = this.#options.settings
    for (const member of [...this.#members]) {
      const liveness = livenessOf(now - member.heardUs, heartbeatUs, leaseUs)
      if (liveness === member.liveness) continue
      member.liveness = liveness
      this.#changed = true
      if (liveness === 'gone') this.#dismiss(now, member, 'vanished')
    }
  }

  #record(round: TokenRound): RoundRecord {
    return {
      round: this.#round,
      capacityTokens: round.capacity,
      freeBundles: this.ledger.free,
      conditions: round.conditions,
      shares: this.#members.map((member, i) => ({
        engine: member.engine,
        demandTokens: round.shares[i].demandTokens,
        tokens: round.shares[i].tokens,
        lentTokens: round.shares[i].lentTokens,
        idealTokens: round.shares[i].idealTokens,
        leaseBundles: this.ledger.leasedTo(member.engine),
        entitledBundles: member.entitledBundles,
        inUseBundles: member.heartbeat?.inUse ?? 0,
      })),
    }
  }

  #flush(): void {
    for (const member of this.#members) {
      if (!member.dirty) continue
      member.dirty = false
      member.sequence++
      const document = documentFor(member, {
        epoch: this.#options.epoch,
        round: this.#round,
        bundles: this.#options.bundles,
        leaseBundles: this.#regime.leaseOf(member, this.ledger, this.#options.bundles),
        limitBundles: this.#regime.limitOf(member, this.#options.bundles),
        reclaims: this.#broker.ordersFor(member.engine),
        sharesPool: this.#members.length > 1,
        supplyWanted: this.#supplyWanted,
      })
      this.#effects.push({ kind: 'document', document })
    }
  }
}

/** Share of a pool below which free and unused bundles together count as scarce. */
const SCARCE_SHARE = 0.15
/** How long curves are published after a request that needed them. */
const SUPPLY_WANTED_US: Micros = 5_000_000

/** Relative change of a number below which a lone engine's round is not divided anew. */
const MATERIAL_CHANGE = 0.25

/** Whether an engine that has its pool to itself needs another answer: more than a little of anything has changed. */
function needsDiffer(a: Heartbeat, b: Heartbeat): boolean {
  return (
    differ(a.demand.tokens, b.demand.tokens) ||
    differ(a.demand.tokensPerSecond, b.demand.tokensPerSecond) ||
    differ(a.demand.bundles, b.demand.bundles)
  )
}

function differ(a: number, b: number): boolean {
  return Math.abs(a - b) > MATERIAL_CHANGE * Math.max(a, b)
}
