import type { Micros } from '@kvasir/kernel'
import type { StepPlan } from '@kvasir/scheduler'
import { BudgetMeter } from './budget-meter.js'
import type { EngineParts } from './engine-parts.js'
import type { RateMeter } from './rate-meter.js'

/**
 * How an engine takes turns on its device: it says that it is ready with what is left of its budget as its claim, and answers a turn
 * with a step or passes. While nothing can be run it asks for no turn.
 */
export class TurnTaking {
  readonly #parts: EngineParts
  readonly #meter: BudgetMeter
  readonly #rate: RateMeter
  /** What the engine last said. */
  #claim = 0
  #dueUs: Micros = Infinity
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

  /**
   * When a stalled engine tries again, or one that is `ready` says so anew: its budget is renewed, and so are those of the others, whose
   * new claims would pass its old one as long as they use little.
   */
  deadlineUs(ready: boolean): Micros {
    if (this.#stalled) return this.#retryUs
    return ready && this.wanted ? this.#meter.nextRoundUs : Infinity
  }

  /**
   * Asks for a turn when there is work; when the engine is `ready` already, for a better place in line if its budget was renewed or its
   * step has become more urgent.
   * Answers whether it is ready now.
   */
  ask(now: Micros, ready: boolean): boolean {
    if (!this.wanted) return ready
    const { options, scheduler, lease, outbox, urgency } = this.#parts
    const { tokens, lentTokens } = lease.budget(now, options.roundUs)
    const claim = this.#meter.claim(now, tokens + lentTokens)
    const dueUs = urgency?.dueUs(now, scheduler, this.#rate.stepUs) ?? Infinity
    if (ready && claim <= this.#claim && dueUs >= this.#dueUs) return true
    this.#claim = claim
    this.#dueUs = dueUs
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

  execute(plan: StepPlan): void {
    const { options, lease, outbox } = this.#parts
    const { engine, incarnation } = options
    const { copies } = plan
    const { epoch } = lease
    outbox.device(
      copies.outCount + copies.inCount === 0
        ? { kind: 'execute', engine, incarnation, epoch, shape: plan }
        : { kind: 'execute', engine, incarnation, epoch, shape: plan, copies },
    )
  }

  /** Leaves the device to others, before a step or after one. */
  pass(): void {
    const { engine, incarnation } = this.#parts.options
    this.#parts.outbox.device({ kind: 'pass', engine, incarnation })
  }

  /** A step was run. A courtesy is not charged: nobody else wanted the time. */
  charge(tokens: number): void {
    if (this.#claim > 0) this.#meter.charge(tokens)
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
