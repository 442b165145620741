import type { NextTurn } from '@kvasir/contracts'
import type { Micros } from '@kvasir/kernel'
import type { StepPlan } from '@kvasir/scheduler'
import { BudgetMeter } from './budget-meter.js'
import type { EngineParts } from './engine-parts.js'
import type { RateMeter } from './rate-meter.js'

/** What was asked of a turn ahead of time is not said anew for less. */
const CLAIM_OFF = 0.02
const DUE_OFF_US: Micros = 1_000
/** A turn that comes so soon after it was asked for was free: an answer takes less, another engine's step mostly more. */
const AT_ONCE_US: Micros = 4_000

/**
 * How an engine takes turns on its device: it says that it is ready with what is left of its budget as its claim, and answers a turn
 * with a step or passes. While nothing can be run it asks for no turn. A step of which nothing is due yet is a courtesy, as is one
 * without budget: it has no claim and is not charged.
 */
export class TurnTaking {
  readonly #parts: EngineParts
  readonly #meter: BudgetMeter
  readonly #rate: RateMeter
  /** What the engine last said of the turn it waits for, and the claim with which it got the last one. */
  #claim = 0
  #dueUs: Micros = Infinity
  #servedClaim = 0
  /** When the step that is waited for becomes due, and is claimed; Infinity when it is no courtesy for want of hurry. */
  #claimedFromUs: Micros = Infinity
  /** Since when an engine that had no work before waits for its turn; Infinity when it does not. */
  #askedUs: Micros = Infinity
  #atOnce = false
  /** Nothing can be run until memory, requests or the lease change, or the time comes to try again. */
  #stalled = false
  #retryUs: Micros = 0

  constructor(parts: EngineParts, rate: RateMeter) {
    this.#parts = parts
    this.#rate = rate
    this.#meter = new BudgetMeter(parts.options.roundUs)
  }

  /** Whether there is work that the engine may try to run. */
  get wanted(): boolean {
    const { scheduler, lease } = this.#parts
    return !this.#stalled && scheduler.unfinishedCount > 0 && lease.document?.member === true
  }

  /** Whether a turn that is asked for after a pause is likely free: the last one was. */
  get likelyFree(): boolean {
    return this.#atOnce
  }

  /**
   * When a stalled engine tries again, or one that is `ready` says so anew: its step becomes due, or its budget is renewed, and so are
   * those of the others, whose new claims would pass its old one as long as they use little.
   */
  deadlineUs(ready: boolean): Micros {
    if (this.#stalled) return this.#retryUs
    return ready && this.wanted ? Math.min(this.#meter.nextRoundUs, this.#claimedFromUs) : Infinity
  }

  /**
   * Asks for a turn when there is work; when the engine is `ready` already, for a better place in line if its budget was renewed or its
   * step has become more urgent.
   * Answers whether it is ready now.
   */
  ask(now: Micros, ready: boolean): boolean {
    if (!this.wanted) return ready
    const { options, scheduler, lease, outbox, urgency } = this.#parts
    const left = this.#claimAt(now)
    const dueUs = urgency?.dueUs(now, scheduler, this.#rate.stepUs) ?? Infinity
    this.#claimedFromUs = this.#endOfCourtesy(now, dueUs)
    const claim = this.#claimedFromUs === Infinity ? left : 0
    if (ready && !this.#improves(claim, dueUs)) return true
    this.#claim = claim
    this.#dueUs = dueUs
    if (!ready) this.#askedUs = now
    const { engine, incarnation } = options
    const { epoch } = lease
    // Hot path: a spread would copy field by field.
    outbox.device(
      dueUs === Infinity
        ? { kind: 'ready', engine, incarnation, epoch, claim }
        : { kind: 'ready', engine, incarnation, epoch, claim, slackUs: Math.round(dueUs - now) },
    )
    return true
  }

  #claimAt(now: Micros): number {
    const { options, lease } = this.#parts
    const { tokens, lentTokens } = lease.budget(now, options.roundUs)
    return this.#meter.claim(now, tokens + lentTokens)
  }

  /** When a step that is due then will be claimed; Infinity when it is now: a pace says when it is early, and a prompt never is. */
  #endOfCourtesy(now: Micros, dueUs: Micros): Micros {
    const { scheduler, urgency } = this.#parts
    const endUs = urgency?.earlyUntilUs(dueUs) ?? -Infinity
    return now < endUs && scheduler.outstandingPrefillTokens === 0 ? endUs : Infinity
  }

  #improves(claim: number, dueUs: Micros): boolean {
    if (!this.#parts.options.asksAhead) return claim > this.#claim || dueUs < this.#dueUs
    const first = claim > 0 && this.#claim <= 0
    return first || claim > this.#claim + CLAIM_OFF || dueUs < this.#dueUs - DUE_OFF_US
  }

  /** Without a turn: the step is to run if the device is free. */
  executeIfFree(now: Micros, plan: StepPlan): void {
    this.#claim = this.#claimAt(now)
    this.execute(now, plan, { ifFree: true })
  }

  execute(now: Micros, plan: StepPlan, early: { readonly ifFree?: true } = {}): void {
    const { options, scheduler, lease, outbox } = this.#parts
    const { engine, incarnation } = options
    const { copies } = plan
    const { epoch } = lease
    this.#servedClaim = this.#claim
    if (options.asksAhead) {
      const after = scheduler.after(plan)
      const copied = copies.outCount + copies.inCount === 0 ? {} : { copies }
      const next = after === 'nothing' ? {} : { next: this.#next(now, plan, after === 'decodes') }
      outbox.device({
        kind: 'execute',
        engine,
        incarnation,
        epoch,
        shape: plan,
        ...copied,
        ...next,
        ...early,
      })
      return
    }
    outbox.device(
      copies.outCount + copies.inCount === 0
        ? { kind: 'execute', engine, incarnation, epoch, shape: plan }
        : { kind: 'execute', engine, incarnation, epoch, shape: plan, copies },
    )
  }

  /** What the engine will say when the step has ended, should it take as long as others of late. */
  #next(now: Micros, { totalTokens }: StepPlan, decoding: boolean): NextTurn {
    const { scheduler, urgency } = this.#parts
    const { stepUs } = this.#rate
    const endUs = now + stepUs
    const charged = this.#claim > 0 ? Math.min(totalTokens, this.#rate.tokensWorth(stepUs, 1)) : 0
    this.#dueUs = urgency?.dueAfter(endUs, decoding, scheduler, stepUs) ?? Infinity
    const early = this.#endOfCourtesy(endUs, this.#dueUs) < Infinity
    this.#claim = early ? 0 : this.#meter.claimAt(endUs, charged)
    const claim = this.#claim
    return this.#dueUs === Infinity ? { claim } : { claim, slackUs: Math.round(this.#dueUs - now) }
  }

  /** The turn that was waited for has come. */
  got(now: Micros): void {
    if (this.#askedUs !== Infinity) this.#atOnce = now - this.#askedUs < AT_ONCE_US
    this.#askedUs = Infinity
  }

  /** The device was not free after all. */
  notFree(): void {
    this.#atOnce = false
  }

  /** Leaves the device to others, before a step or after one. */
  pass(): void {
    const { engine, incarnation } = this.#parts.options
    this.#parts.outbox.device({ kind: 'pass', engine, incarnation })
  }

  /** A step was run. A courtesy is not charged: nobody with a claim wanted the time. */
  charge(tokens: number): void {
    if (this.#servedClaim > 0) this.#meter.charge(tokens)
  }

  stall(now: Micros): void {
    this.#stalled = true
    this.#retryUs = now + this.#parts.options.backoffUs
  }

  /** Something changed: there may be a step to run. */
  resume(): void {
    this.#stalled = false
  }

  wake(now: Micros): void {
    if (now >= this.#retryUs) this.#stalled = false
  }
}
