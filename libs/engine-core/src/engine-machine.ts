import type {
  DeviceAnswer,
  DeviceCommand,
  EngineDocument,
  EngineMessage,
  PreemptionOutcome,
  SupplyPoint,
} from '@kvasir/contracts'
import { invariant, type Machine, type Micros } from '@kvasir/kernel'
import type { BlockPool } from '@kvasir/kv-cache'
import type { Scheduler, SequenceInput, StepOutcome, StepPlan, Submission } from '@kvasir/scheduler'
import { BudgetMeter } from './budget-meter.js'
import { Lease } from './lease.js'
import { bundlesToMap, growthShortage } from './memory-need.js'
import { RateMeter } from './rate-meter.js'

export interface EngineOptions {
  readonly engine: string
  readonly incarnation: number
  readonly model: string
  /** Fraction of the group's time for this engine, where time is partitioned. */
  readonly share: number
  readonly roundUs: Micros
  readonly heartbeatUs: Micros
  readonly leaseUs: Micros
  readonly requestWithinUs: Micros
  /** How far ahead the growth of running sequences is asked for: longer than an answer takes. */
  readonly leadUs: Micros
  /** Time between a denied request for memory and the next one. */
  readonly backoffUs: Micros
  /** Give wholly free bundles back to the device at once: engines that share one free list do. */
  readonly returnsIdle: boolean
  /** Tokens per second until some were measured. */
  readonly nominalRate: number
}

export type EngineInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'submit'; readonly sequence: SequenceInput }
  | { readonly kind: 'abort'; readonly slot: number }
  | { readonly kind: 'document'; readonly document: EngineDocument }
  | { readonly kind: 'wake' }
  | DeviceAnswer

/** Why a sequence was stopped and will be run again. */
export type PreemptionCause =
  | { readonly kind: 'own' }
  | { readonly kind: 'reclaim'; readonly request: string }
  | { readonly kind: 'lease_expired' }

export type EngineEffect =
  | { readonly kind: 'send'; readonly message: EngineMessage }
  | { readonly kind: 'device'; readonly command: DeviceCommand }
  | { readonly kind: 'accepted'; readonly id: string; readonly slot: number }
  | { readonly kind: 'refused'; readonly id: string; readonly reason: string; readonly detail: string }
  /** A step begins; the plan is the scheduler's and is valid until the engine's next turn. */
  | { readonly kind: 'planned'; readonly plan: StepPlan }
  | {
      readonly kind: 'stepped'
      readonly plan: StepPlan
      readonly outcome: StepOutcome
      readonly startedUs: Micros
      readonly finishedUs: Micros
    }
  | { readonly kind: 'preempted'; readonly slots: readonly number[]; readonly cause: PreemptionCause }
  | {
      readonly kind: 'ended'
      readonly slot: number
      readonly reason: 'aborted' | 'engine_left' | 'exceeds_lease'
    }
  /** The request for memory ended: for the decision's other half, and for tests. */
  | { readonly kind: 'outcome'; readonly outcome: PreemptionOutcome }

/** Free bundles an engine keeps for its next blocks where all share one free list (kvcached keeps 5 to 10 pages). */
const IDLE_BUNDLES_KEPT = 8

/** Heartbeats for which a supply curve serves. */
const SUPPLY_HEARTBEATS = 3

/** Growth of demand that is reported at once. */
const SURGE = 1.25

/** Where the engine stands with the device. */
type Phase = 'idle' | 'ready' | 'turn' | 'running' | 'stopped'

/**
 * One engine: hosts the scheduler over its block pool, keeps within its lease and budget, reports and asks for memory.
 * The same machine runs live and in the simulator.
 */
export class EngineMachine implements Machine<EngineInput, EngineEffect> {
  readonly #options: EngineOptions
  readonly #scheduler: Scheduler
  readonly #pool: BlockPool
  readonly #lease: Lease
  readonly #meter: BudgetMeter
  readonly #rate: RateMeter
  #effects: EngineEffect[] = []
  #phase: Phase = 'idle'
  /** Nothing can be run until memory, requests or the lease change. */
  #stalled = false
  #retryUs: Micros = 0
  /** The device had fewer bundles free than were asked for: it is asked again after the next step at the earliest. */
  #mapRefused = false
  #mapping = false
  #plan: StepPlan | undefined
  #claimAtTurn = 0
  #number = 0
  #requests = 0
  #openRequest: string | undefined
  #openUntilUs: Micros = Infinity
  #requestNotBeforeUs: Micros = 0
  #nextHeartbeatUs: Micros = Infinity
  #spentTokens = 0
  #ceilingBundles = -1
  #heldReported = 0
  #demandReported = 0
  #curve: readonly SupplyPoint[] = []
  #supplyAgesUs: Micros = 0
  /** Numbered messages the owner has not processed yet: repeated with every heartbeat. */
  #unprocessed: EngineMessage[] = []

  constructor(options: EngineOptions, scheduler: Scheduler, pool: BlockPool) {
    this.#options = options
    this.#scheduler = scheduler
    this.#pool = pool
    this.#lease = new Lease(options.leaseUs)
    this.#meter = new BudgetMeter(options.roundUs)
    this.#rate = new RateMeter(options.nominalRate)
  }

  get scheduler(): Scheduler {
    return this.#scheduler
  }

  get lease(): Lease {
    return this.#lease
  }

  get pool(): BlockPool {
    return this.#pool
  }

  nextDeadline(): Micros | undefined {
    if (this.#phase === 'stopped') return undefined
    let earliest = Math.min(this.#nextHeartbeatUs, this.#lease.expiresUs, this.#openUntilUs)
    if (this.#stalled) earliest = Math.min(earliest, this.#retryUs)
    // An engine that waits without a claim says so again when the next round renews its budget.
    if (this.#phase === 'ready' && this.#claimAtTurn <= 0)
      earliest = Math.min(earliest, this.#meter.nextRoundUs)
    return earliest === Infinity ? undefined : earliest
  }

  step(now: Micros, input: EngineInput): readonly EngineEffect[] {
    this.#effects = []
    if (this.#phase === 'stopped') return this.#effects
    switch (input.kind) {
      case 'start':
        this.#start(now)
        break
      case 'stop':
        this.#stop()
        break
      case 'submit':
        this.#submit(now, input.sequence)
        break
      case 'abort':
        this.#abort(input.slot)
        break
      case 'document':
        this.#apply(now, input.document)
        break
      case 'turn':
        this.#takeTurn(now)
        break
      case 'mapped':
        this.#mapped(now, input.bundles)
        break
      case 'executed':
        this.#executed(now, input.startedUs)
        break
      case 'refused':
        this.#refused(now, input)
        break
      case 'wake':
        this.#wake(now)
        break
      case 'fenced':
        break
    }
    this.#offer(now)
    return this.#effects
  }

  #start(now: Micros): void {
    const { engine, incarnation, model, share } = this.#options
    this.#device({ kind: 'open', engine, incarnation, model, share })
    this.#post({ kind: 'join', engine, incarnation, number: ++this.#number, model })
    this.#nextHeartbeatUs = now
  }

  /** Ends every sequence with a reason, gives everything back and says so. */
  #stop(): void {
    const { engine, incarnation } = this.#options
    for (const slot of this.#scheduler.slots()) {
      this.#scheduler.abort(slot)
      this.#effects.push({ kind: 'ended', slot, reason: 'engine_left' })
    }
    this.#device({ kind: 'close', engine, incarnation })
    this.#post({ kind: 'leave', engine, incarnation, number: ++this.#number })
    this.#phase = 'stopped'
  }

  #submit(now: Micros, sequence: SequenceInput): void {
    const submission: Submission = this.#scheduler.submit(now, sequence)
    if (submission.kind === 'refused') {
      this.#effects.push({
        kind: 'refused',
        id: sequence.id,
        reason: submission.reason,
        detail: submission.detail,
      })
      return
    }
    this.#effects.push({ kind: 'accepted', id: sequence.id, slot: submission.slot })
    this.#stalled = false
    if (now >= this.#nextHeartbeatUs - this.#options.heartbeatUs + this.#options.roundUs / 2) this.#reportSurge(now)
  }

  #abort(slot: number): void {
    if (!this.#scheduler.abort(slot)) return
    this.#effects.push({ kind: 'ended', slot, reason: 'aborted' })
    this.#stalled = false
  }

  #apply(now: Micros, document: EngineDocument): void {
    const { engine, incarnation } = this.#options
    invariant(document.engine === engine, () => `document of ${document.engine} reached ${engine}`)
    if (document.incarnation !== incarnation || !this.#lease.apply(document)) return
    this.#unprocessed = this.#unprocessed.filter(
      (message) => 'number' in message && message.number > document.processedThrough,
    )
    for (const outcome of document.outcomes) this.#settle(now, outcome)
    this.#refuseImpossible(document.limitBundles)
    this.#stalled = false
    this.#shrink(now)
    this.#reportRelease(now)
  }

  /** What can't fit any more, now that the limit is lower, is ended with a reason instead of waiting for ever. */
  #refuseImpossible(limitBundles: number): void {
    if (limitBundles === this.#ceilingBundles) return
    this.#ceilingBundles = limitBundles
    for (const slot of this.#scheduler.setBlockCeiling(limitBundles * this.#pool.blocksPerBundle)) {
      this.#scheduler.abort(slot)
      this.#effects.push({ kind: 'ended', slot, reason: 'exceeds_lease' })
    }
  }

  #settle(now: Micros, outcome: PreemptionOutcome): void {
    if (outcome.id !== this.#openRequest) return
    this.#openRequest = undefined
    this.#openUntilUs = Infinity
    const granted = outcome.kind === 'granted' || outcome.kind === 'granted_partial'
    this.#requestNotBeforeUs = granted ? now : now + this.#options.backoffUs
    this.#effects.push({ kind: 'outcome', outcome })
  }

  /**
   * Gives back what is held beyond the lease: wholly free bundles at once, those in use at a step boundary. Victims are
   * stopped only as far as an order allows it; once the lease is over, anything above the guarantee goes.
   */
  #shrink(now: Micros): void {
    let excess = this.#pool.bundles - this.#lease.bundles(now)
    if (excess <= 0) return
    excess -= this.#giveBack(excess)
    if (excess <= 0 || this.#phase === 'running') return
    const expired = now >= this.#lease.expiresUs
    const orders = expired
      ? [{ request: '', bundles: excess, victimsBelow: null }]
      : (this.#lease.document?.reclaims ?? [])
    for (const order of orders) {
      const wanted = Math.min(excess, order.bundles)
      if (wanted <= 0 || order.victimsBelow === undefined) continue
      const below = order.victimsBelow ?? Infinity
      const { victims } = this.#scheduler.releaseBundles(now, wanted, { victimsBelow: below })
      if (victims.length > 0) {
        const cause: PreemptionCause = expired
          ? { kind: 'lease_expired' }
          : { kind: 'reclaim', request: order.request }
        this.#effects.push({ kind: 'preempted', slots: victims, cause })
      }
      excess -= this.#giveBack(wanted)
    }
  }

  /** Unmaps up to `count` wholly free bundles; says how many. */
  #giveBack(count: number): number {
    if (count <= 0 || this.#pool.freeBundles === 0) return 0
    const bundles = this.#pool.unmapFree(count)
    if (bundles.length > 0) {
      const { engine, incarnation } = this.#options
      this.#device({ kind: 'unmap', engine, incarnation, bundles })
    }
    return bundles.length
  }

  /** Asks for a turn when there is work, for a better place in line when the budget was renewed. */
  #offer(now: Micros): void {
    if (this.#phase === 'running' || this.#phase === 'turn' || this.#phase === 'stopped') return
    if (this.#stalled || this.#scheduler.unfinishedCount === 0 || !this.#lease.document?.member) return
    const claim = this.#claim(now)
    if (this.#phase === 'ready' && (claim <= 0 || this.#claimAtTurn > 0)) return
    this.#phase = 'ready'
    this.#claimAtTurn = claim
    const { engine, incarnation } = this.#options
    this.#device({ kind: 'ready', engine, incarnation, epoch: this.#lease.epoch, claim })
  }

  #claim(now: Micros): number {
    const { tokens, lentTokens } = this.#lease.budget(now, this.#options.roundUs)
    return this.#meter.claim(now, tokens + lentTokens)
  }

  #takeTurn(now: Micros): void {
    this.#phase = 'turn'
    const need = bundlesToMap(this.#scheduler, this.#pool)
    if (need > 0 && this.#growMapping(now, need)) return
    this.#planStep(now)
  }

  /** Maps what the lease still allows before the step is planned; true when the device was asked. */
  #growMapping(now: Micros, need: number): boolean {
    const allowed = Math.min(need, this.#lease.bundles(now) - this.#pool.bundles)
    if (allowed <= 0 || this.#mapRefused) return false
    const { engine, incarnation } = this.#options
    this.#mapping = true
    this.#device({ kind: 'map', engine, incarnation, epoch: this.#lease.epoch, bundles: allowed })
    return true
  }

  #mapped(now: Micros, bundles: readonly number[]): void {
    this.#pool.mapBundles(bundles)
    this.#mapping = false
    this.#planStep(now)
  }

  #refused(now: Micros, answer: Extract<DeviceAnswer, { kind: 'refused' }>): void {
    if (answer.command !== 'map' || !this.#mapping) return
    this.#mapping = false
    this.#mapRefused = true
    this.#planStep(now)
  }

  #planStep(now: Micros): void {
    const { engine, incarnation } = this.#options
    const plan = this.#scheduler.plan(now, Infinity)
    if (plan.preemptedCount > 0)
      this.#effects.push({
        kind: 'preempted',
        slots: Array.from(plan.preempted.subarray(0, plan.preemptedCount)),
        cause: { kind: 'own' },
      })
    this.#askForMemory(now, plan)
    if (plan.count === 0) {
      if (plan.preemptedCount === 0) this.#stall(now)
      this.#mapRefused = false
      this.#phase = 'idle'
      this.#device({ kind: 'pass', engine, incarnation })
      return
    }
    this.#phase = 'running'
    this.#plan = plan
    this.#effects.push({ kind: 'planned', plan })
    this.#device({ kind: 'execute', engine, incarnation, epoch: this.#lease.epoch, shape: plan })
  }

  /** Nothing can run. Where all share one free list, what lies idle here may be just what another one lacks. */
  #stall(now: Micros): void {
    this.#stalled = true
    this.#retryUs = now + this.#options.backoffUs
    if (this.#options.returnsIdle) this.#giveBack(this.#pool.freeBundles)
  }

  #executed(now: Micros, startedUs: Micros): void {
    const plan = this.#plan
    invariant(
      plan !== undefined && this.#phase === 'running',
      () => `${this.#options.engine} heard of a step it did not run`,
    )
    const outcome = this.#scheduler.complete(now, plan)
    this.#effects.push({ kind: 'stepped', plan, outcome, startedUs, finishedUs: now })
    this.#plan = undefined
    this.#phase = 'idle'
    this.#mapRefused = false
    this.#spentTokens += plan.totalTokens
    if (this.#claimAtTurn > 0) this.#meter.charge(plan.totalTokens)
    this.#rate.record(plan.totalTokens, now - startedUs)
    if (this.#pool.bundles > this.#lease.bundles(now)) {
      this.#shrink(now)
      this.#reportRelease(now)
    }
    if (this.#options.returnsIdle)
      this.#giveBack(this.#pool.freeBundles - (this.#scheduler.unfinishedCount > 0 ? IDLE_BUNDLES_KEPT : 0))
    if (this.#scheduler.unfinishedCount > 0) return
    const { engine, incarnation } = this.#options
    this.#device({ kind: 'pass', engine, incarnation })
  }

  /** Asks for the memory that a step lacked to take what waits or keep what runs, or that decoding is about to lack. */
  #askForMemory(now: Micros, plan: StepPlan): void {
    if (this.#openRequest !== undefined || now < this.#requestNotBeforeUs) return
    const document = this.#lease.document
    if (!document?.sharesPool) return
    const leased = this.#lease.bundles(now)
    const { blocksPerBundle } = this.#pool
    const short = this.#scheduler.shortageBlocks(plan)
    const pace = { stepUs: this.#rate.stepUs, leadUs: this.#options.leadUs }
    const growth = growthShortage({ scheduler: this.#scheduler, pool: this.#pool }, { bundles: leased }, pace)
    const least = short > 0 ? Math.ceil(short / blocksPerBundle) : 1
    const room = document.limitBundles - leased
    if ((short <= 0 && growth <= 0) || room < least) return
    const queued = Math.ceil(this.#scheduler.demandBlocks() / blocksPerBundle) - leased
    const wanted = Math.max(least, queued, Math.ceil(growth / blocksPerBundle))
    this.#request(now, { bundles: Math.min(room, wanted), minBundles: least, priority: this.#priorityOfNeed(short > 0) })
  }

  /** What waits asks with its own priority; what runs with the lowest of it, so that growing never evicts its better. */
  #priorityOfNeed(waits: boolean): number {
    const waiting = waits ? this.#scheduler.highestWaitingPriority() : -Infinity
    return waiting === -Infinity ? this.#scheduler.lowestRunningPriority() : waiting
  }

  #request(now: Micros, need: { readonly bundles: number; readonly minBundles: number; readonly priority: number }): void {
    const { engine, incarnation, requestWithinUs } = this.#options
    const id = `${engine}/${incarnation}/${++this.#requests}`
    this.#openRequest = id
    this.#openUntilUs = now + 2 * requestWithinUs
    const number = ++this.#number
    this.#post({ kind: 'request', engine, incarnation, number, id, ...need, class: 'auto', withinUs: requestWithinUs })
  }

  #wake(now: Micros): void {
    if (now >= this.#openUntilUs) this.#cancelOpen(now)
    if (now >= this.#lease.expiresUs) this.#shrink(now)
    if (now >= this.#nextHeartbeatUs) this.#report(now)
    if (this.#stalled && now >= this.#retryUs) this.#stalled = false
  }

  /** No outcome in twice the time it was of use: withdraw it under the same id, never assume. */
  #cancelOpen(now: Micros): void {
    const id = this.#openRequest
    this.#openUntilUs = Infinity
    if (id === undefined) return
    const { engine, incarnation, backoffUs } = this.#options
    this.#openRequest = undefined
    this.#requestNotBeforeUs = now + backoffUs
    this.#post({ kind: 'cancel', engine, incarnation, number: ++this.#number, id })
  }

  /** Bundles the engine may touch: what it has mapped, and what its lease would let it map. */
  #held(now: Micros): number {
    return Math.max(this.#pool.bundles, this.#lease.bundles(now))
  }

  /** What is given up is said at once: somebody waits for it. */
  #reportRelease(now: Micros): void {
    if (this.#held(now) < this.#heldReported) this.#report(now)
  }

  /** A burst is not left waiting for the next heartbeat: its owner divides anew as soon as it hears of it. */
  #reportSurge(now: Micros): void {
    if (!this.#lease.document?.sharesPool) return
    if (this.#demandTokens() > SURGE * this.#demandReported) this.#report(now)
  }

  #demandTokens(): number {
    const scheduler = this.#scheduler
    return this.#rate.demandTokens(scheduler.runningDecodes, scheduler.outstandingPrefillTokens, this.#options.roundUs)
  }

  /** Says everything the owner needs to know, in full, and repeats what it has not processed. */
  #report(now: Micros): void {
    const { engine, incarnation, heartbeatUs } = this.#options
    this.#nextHeartbeatUs = now + heartbeatUs
    this.#heldReported = this.#held(now)
    this.#demandReported = this.#demandTokens()
    this.#send({
      kind: 'heartbeat',
      engine,
      incarnation,
      beat: this.#lease.nextBeat(now),
      epoch: this.#lease.epoch,
      sequence: this.#lease.sequence,
      held: this.#heldReported,
      inUse: Math.max(this.#pool.bundlesInUse, Math.ceil(this.#scheduler.committedBlocks() / this.#pool.blocksPerBundle)),
      demand: {
        tokens: this.#demandReported,
        bundles: Math.ceil(this.#scheduler.demandBlocks() / this.#pool.blocksPerBundle),
        tokensPerSecond: this.#rate.tokensPerSecond,
      },
      spentTokens: this.#spentTokens,
      lowestPriority: this.#scheduler.runningCount > 0 ? this.#scheduler.lowestRunningPriority() : null,
      supply: this.#supply(now),
    })
    for (const message of this.#unprocessed) this.#send(message)
  }

  /** The curve of late: what it says changes slowly, and making it costs more than all the rest of a heartbeat. */
  #supply(now: Micros): readonly SupplyPoint[] {
    if (!this.#lease.document?.supplyWanted) return []
    if (now >= this.#supplyAgesUs) {
      this.#curve = this.#scheduler.supplyCurve(now)
      this.#supplyAgesUs = now + SUPPLY_HEARTBEATS * this.#options.heartbeatUs
    }
    return this.#curve
  }

  #post(message: EngineMessage): void {
    this.#unprocessed.push(message)
    this.#send(message)
  }

  #send(message: EngineMessage): void {
    this.#effects.push({ kind: 'send', message })
  }

  #device(command: DeviceCommand): void {
    this.#effects.push({ kind: 'device', command })
  }
}
