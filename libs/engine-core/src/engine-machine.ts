import type { Growth, DeviceAnswer, DeviceRefusal, EngineDocument } from '@kvasir/contracts'
import { type Bundles, invariant, type Machine, type Micros } from '@kvasir/kernel'
import type { BlockPool } from '@kvasir/kv-cache'
import type { Scheduler, SequenceInput, StepPlan } from '@kvasir/scheduler'
import type { EngineEffect, EngineInput } from './engine-effect.js'
import type { EngineOptions } from './engine-options.js'
import type { EngineParts } from './engine-parts.js'
import { Holdings } from './holdings.js'
import { Lease } from './lease.js'
import { growthShortage, memoryNeed } from './memory-need.js'
import { MemoryRequest } from './memory-request.js'
import { Outbox } from './outbox.js'
import { OwnerLink } from './owner-link.js'
import { RateMeter } from './rate-meter.js'
import { Reporter } from './reporter.js'
import { TurnTaking } from './turn-taking.js'
import { Urgency } from './urgency.js'

/**
 * Where the engine stands with the device.
 *
 * ```
 *   idle ──work──► ready ──turn──► turn ──execute──► running ──executed──► idle, or ready where the next turn was asked for
 *    ▲               │              │                   │
 *    └───refused─────┴──pass────────┴──────refused──────┘                  any ──stop──► stopped
 * ```
 * While in `turn`, bundles are being mapped; else the step is planned at once. Where the device is a message away and was free when it
 * was last asked, a step is sent without a turn: it runs at once, or is refused, and planned anew in a turn.
 */
type Phase = 'idle' | 'ready' | 'turn' | 'running' | 'stopped'

/**
 * One engine: hosts the scheduler over its block pool, keeps within its lease and budget, reports and asks for memory.
 * The same machine runs live and in the simulator. Here are the phase and the order of things; how each is done, its parts know.
 */
export class EngineMachine implements Machine<EngineInput, EngineEffect> {
  readonly #parts: EngineParts
  readonly #link: OwnerLink
  readonly #rate: RateMeter
  readonly #reporter: Reporter
  readonly #request: MemoryRequest
  readonly #holdings: Holdings
  readonly #turns: TurnTaking
  /** Memory is asked for before the turn in which it is used. */
  readonly #growsAhead: boolean
  #phase: Phase = 'idle'
  /** The step on the device. */
  #plan: StepPlan | undefined
  /** It was sent without a turn. */
  #early = false
  /** Steps sent and not refused, the one on the device included. */
  #steps = 0

  constructor(options: EngineOptions, scheduler: Scheduler, pool: BlockPool) {
    const { promised, asksAhead = false, returnsIdle } = options
    const parts = {
      options,
      scheduler,
      pool,
      lease: new Lease(options.leaseUs),
      outbox: new Outbox(),
      urgency: promised && new Urgency(promised),
    }
    this.#parts = parts
    this.#link = new OwnerLink(options, parts.outbox)
    this.#rate = new RateMeter(options.nominalRate)
    this.#reporter = new Reporter(parts, this.#rate, this.#link)
    this.#request = new MemoryRequest(options, this.#link)
    this.#holdings = new Holdings(parts)
    this.#turns = new TurnTaking(parts, this.#rate)
    this.#growsAhead = asksAhead && !returnsIdle
  }

  get scheduler(): Scheduler {
    return this.#parts.scheduler
  }

  get lease(): Lease {
    return this.#parts.lease
  }

  get pool(): BlockPool {
    return this.#parts.pool
  }

  get growth(): Growth {
    return { taken: this.#parts.pool.bundlesTaken, asked: this.#request.grantedBundles }
  }

  nextDeadline(): Micros | undefined {
    if (this.#phase === 'stopped') return undefined
    const earliest = Math.min(
      this.#reporter.nextUs,
      this.#holdings.expiryUs,
      this.#request.deadlineUs,
      this.#turns.deadlineUs(this.#phase === 'ready'),
    )
    return earliest === Infinity ? undefined : earliest
  }

  step(now: Micros, input: EngineInput): readonly EngineEffect[] {
    const { outbox } = this.#parts
    if (this.#phase === 'stopped') return outbox.take()
    switch (input.kind) {
      case 'start':
        this.#start(now)
        break
      case 'stop':
        this.#stop()
        break
      case 'attach':
        this.#attach()
        return outbox.take()
      case 'attached':
        this.#attached(now, input)
        break
      case 'submit':
        this.#submit(now, input.sequence)
        break
      case 'abort':
        this.#abort(now, input.slot)
        break
      case 'document':
        this.#apply(now, input.document)
        break
      case 'turn':
        this.#turns.got(now)
        this.#takeTurn(now)
        break
      case 'mapped':
        this.#holdings.mapped(now, input.bundles)
        if (this.#phase === 'turn') this.#planStep(now)
        break
      case 'executed':
        this.#executed(now, input)
        break
      case 'copied':
        this.#holdings.copied(input.copy)
        this.#reportRelease(now)
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
    return outbox.take()
  }

  // --- membership and requests ---

  #start(now: Micros): void {
    const { options, outbox } = this.#parts
    const { engine, incarnation, model, served, blockBytesPerRank, share } = options
    const named = served === undefined ? { model } : { model, served }
    outbox.device({ kind: 'open', engine, incarnation, ...named, blockBytesPerRank, share })
    this.#link.join()
    this.#reporter.start(now)
  }

  /** What was said last may be lost: the device is asked what it knows before anything else is said. */
  #attach(): void {
    const { options, outbox } = this.#parts
    const { engine, incarnation } = options
    const step = this.#phase === 'running' ? this.#steps : 0
    outbox.device({ kind: 'attach', engine, incarnation, step })
  }

  /**
   * The device still knows this run. What was under way and is not known there was lost: a turn is asked for anew, and a step whose
   * sequences wait again was never begun.
   */
  #attached(now: Micros, { bundles, stepKnown }: Extract<DeviceAnswer, { kind: 'attached' }>): void {
    const { outbox } = this.#parts
    if (!this.#holdings.attached(bundles)) return outbox.emit({ kind: 'forgotten' })
    if (this.#phase === 'running' && stepKnown) {
      this.#early = false
      return this.#holdings.copiesEndWithStep()
    }
    if (this.#plan !== undefined) this.#cancelStep(this.#plan, 'not_your_turn')
    this.#holdings.copyRefused()
    this.#holdings.turnEnded()
    this.#phase = 'idle'
    this.#keepLease(now)
    this.#turns.resume()
  }

  /** Ends every sequence with a reason, gives everything back and says so. */
  #stop(): void {
    const { options, scheduler, outbox } = this.#parts
    for (const slot of scheduler.slots()) {
      scheduler.abort(slot)
      outbox.emit({ kind: 'ended', slot, reason: 'engine_left' })
    }
    outbox.device({ kind: 'close', engine: options.engine, incarnation: options.incarnation })
    this.#link.leave()
    this.#phase = 'stopped'
  }

  #submit(now: Micros, sequence: SequenceInput): void {
    const { scheduler, outbox } = this.#parts
    const submission = scheduler.submit(now, sequence)
    const { id } = sequence
    if (submission.kind === 'refused') {
      outbox.emit({ kind: 'refused', id, reason: submission.reason, detail: submission.detail })
      return
    }
    outbox.emit({ kind: 'accepted', id, slot: submission.slot })
    this.#turns.resume()
    if (this.#reporter.surges(now)) this.#report(now)
  }

  #abort(now: Micros, slot: number): void {
    const { scheduler, outbox } = this.#parts
    if (!scheduler.abort(slot)) return
    outbox.emit({ kind: 'ended', slot, reason: 'aborted' })
    this.#turns.resume()
    this.#keepLease(now)
  }

  // --- the owner ---

  #apply(now: Micros, document: EngineDocument): void {
    const { options, lease, outbox } = this.#parts
    const { engine, incarnation } = options
    invariant(document.engine === engine, () => `document of ${document.engine} reached ${engine}`)
    if (document.incarnation !== incarnation || !lease.apply(document, this.#holdings.bundles)) return
    this.#link.processed(document.processedThrough)
    for (const outcome of document.outcomes)
      if (this.#request.settle(now, outcome)) outbox.emit({ kind: 'outcome', outcome })
    this.#turns.resume()
    this.#holdings.obey(now)
    // An owner who still asks has counted nothing that was said under an older document, and somebody waits for it.
    const waitedFor = document.reclaims.length > 0 && this.#held(now) <= document.leaseBundles
    if (waitedFor) this.#report(now)
    else this.#reportRelease(now)
  }

  #wake(now: Micros): void {
    if (now >= this.#request.deadlineUs) this.#cancelOpen(now)
    if (now >= this.#holdings.expiryUs) this.#holdings.expire(now)
    if (now >= this.#reporter.nextUs) this.#report(now)
    this.#turns.wake(now)
  }

  /** No outcome in twice the time it was of use: withdraw it, never assume. */
  #cancelOpen(now: Micros): void {
    this.#request.cancel(now)
  }

  #report(now: Micros): void {
    const { growth } = this
    this.#reporter.report(now, { held: this.#held(now), leaving: this.#holdings.leavingBundles, growth })
  }

  /** What is given up is said at once: somebody waits for it. */
  #reportRelease(now: Micros): void {
    if (this.#held(now) < this.#reporter.heldReported) this.#report(now)
  }

  /** Bundles that were in use may be free now: those beyond the lease are given back. */
  #keepLease(now: Micros): void {
    const { pool, lease } = this.#parts
    if (pool.bundles <= lease.bundles(now)) return
    this.#holdings.shrink(now)
    this.#reportRelease(now)
  }

  /** Bundles the engine may touch: what it has mapped, and what its lease would let it map. */
  #held(now: Micros): Bundles {
    return Math.max(this.#holdings.bundles, this.#parts.lease.bundles(now))
  }

  // --- a step on the device ---

  /** Asks for a turn, unless one is under way. */
  #offer(now: Micros): void {
    if (this.#growsAhead) this.#growAhead(now)
    if (this.#phase !== 'idle' && this.#phase !== 'ready') return
    if (this.#growsAhead && this.#phase === 'idle' && this.#runIfFree(now)) return
    if (this.#turns.ask(now, this.#phase === 'ready')) this.#phase = 'ready'
  }

  /** After a pause: as in a turn, without one. Answers whether there is a step. */
  #runIfFree(now: Micros): boolean {
    const { scheduler } = this.#parts
    if (!this.#turns.likelyFree || !this.#turns.wanted) return false
    if (this.#holdings.mapping || scheduler.runningCount > 0) return false
    this.#shed(now)
    const plan = scheduler.plan(now, Infinity)
    if (plan.count === 0) return false
    this.#askForMemory(now, plan)
    this.#early = true
    this.#execute(now, plan)
    return true
  }

  #growAhead(now: Micros): void {
    if (this.#phase !== 'turn' && this.#turns.wanted) this.#holdings.grow(now)
  }

  #takeTurn(now: Micros): void {
    this.#phase = 'turn'
    this.#shed(now)
    if (!this.#holdings.grow(now)) this.#planStep(now)
  }

  /** What would wait in vain needs neither memory nor a place in the step. */
  #shed(now: Micros): void {
    const { scheduler, outbox } = this.#parts
    for (const slot of scheduler.shed(now))
      outbox.emit({ kind: 'ended', slot, reason: 'deadline_unreachable' })
  }

  #planStep(now: Micros): void {
    const { scheduler, outbox } = this.#parts
    const plan = scheduler.plan(now, Infinity)
    if (plan.preemptedCount > 0) {
      const slots = Array.from(plan.preempted.subarray(0, plan.preemptedCount))
      outbox.emit({ kind: 'preempted', slots, cause: { kind: 'own' } })
      if (plan.count === 0) this.#holdings.copyOut(plan.copies, slots)
    }
    this.#askForMemory(now, plan)
    if (plan.count === 0) {
      if (plan.preemptedCount === 0) {
        this.#turns.stall(now)
        this.#holdings.returnAllIdle()
      }
      this.#endTurn(now)
      return
    }
    this.#execute(now, plan)
  }

  #execute(now: Micros, plan: StepPlan): void {
    const { outbox } = this.#parts
    this.#phase = 'running'
    this.#plan = plan
    outbox.emit({ kind: 'planned', plan })
    this.#holdings.stepBegan(plan.copies)
    this.#steps++
    if (this.#early) this.#turns.executeIfFree(now, plan)
    else this.#turns.execute(now, plan)
    if (this.#growsAhead) this.#holdings.turnEnded()
  }

  /** Asks for the memory that a step lacked to take what waits or keep what runs, or that decoding is about to lack. */
  #askForMemory(now: Micros, plan: StepPlan): void {
    if (!this.#request.mayAsk(now)) return
    const { options, scheduler, lease } = this.#parts
    const { document } = lease
    if (!document?.sharesPool) return
    const bundles = lease.bundles(now)
    const pace = { stepUs: this.#rate.stepUs, leadUs: options.leadUs }
    const need = memoryNeed(
      this.#parts,
      { bundles, document },
      {
        shortageBlocks: scheduler.shortageBlocks(plan),
        growthBlocks: growthShortage(this.#parts, { bundles }, pace),
      },
    )
    if (need) this.#request.ask(now, need)
  }

  #executed(now: Micros, { startedUs, share = 1, next }: Extract<DeviceAnswer, { kind: 'executed' }>): void {
    const { scheduler, outbox } = this.#parts
    const plan = this.#plan
    if (plan === undefined || this.#phase !== 'running') refuseEnd(this.#parts.options.engine)
    this.#early = false
    const outcome = scheduler.complete(now, plan)
    outbox.emit({ kind: 'stepped', tokens: plan.totalTokens, outcome, startedUs, finishedUs: now })
    this.#plan = undefined
    this.#phase = next ? 'ready' : 'idle'
    if (!this.#growsAhead) this.#holdings.turnEnded()
    const left = this.#holdings.stepEnded()
    this.#turns.charge(Math.min(plan.totalTokens, this.#rate.tokensWorth(now - startedUs, share)))
    this.#rate.record(plan.totalTokens, now - startedUs, share)
    this.#parts.urgency?.stepEnded(now, scheduler.decodes)
    this.#keepLease(now)
    if (left) this.#reportRelease(now)
    this.#holdings.returnIdle()
    // The device waits for the engine to speak before it gives the next turn to anybody; unless it has.
    if (!next && !this.#turns.wanted) this.#turns.pass()
  }

  /**
   * The device did not do what it was asked. With no bundles to map, the step is made of those that are here. Any other refusal
   * means that the engine's word does not count there now, mostly because a new owner fenced the device: the engine asks again
   * after the next document, which may bring the new epoch, or when something else changes.
   */
  #refused(now: Micros, { command, reason }: Extract<DeviceAnswer, { kind: 'refused' }>): void {
    const { outbox } = this.#parts
    switch (command) {
      case 'map':
        if (!this.#holdings.mapRefused() || this.#phase !== 'turn') return
        if (reason === 'pool_exhausted') this.#planStep(now)
        else this.#standBack(now)
        return
      case 'execute':
        if (this.#plan === undefined) return
        if (this.#early && reason === 'not_your_turn') return this.#askAfterAll(this.#plan)
        this.#cancelStep(this.#plan, reason)
        this.#standBack(now)
        return
      case 'ready':
        if (this.#phase === 'ready') this.#standBack(now)
        return
      case 'attach':
        return outbox.emit({ kind: 'forgotten' })
      case 'copy':
        this.#holdings.copyRefused()
        this.#reportRelease(now)
        return
      default:
        // What is unmapped or closed is given up here whatever the device thinks, and a `pass` out of turn changes nothing.
        return
    }
  }

  /** The step was sent without a turn, and the device is not free. Nothing had begun, so nothing is stopped. */
  #askAfterAll(plan: StepPlan): void {
    this.#undoStep(plan)
    this.#turns.notFree()
    this.#phase = 'idle'
  }

  /** The step was not run: its sequences lose no token they have put out, and wait again. */
  #cancelStep(plan: StepPlan, reason: DeviceRefusal): void {
    const { outbox } = this.#parts
    const slots = this.#undoStep(plan)
    if (slots.length > 0) outbox.emit({ kind: 'preempted', slots, cause: { kind: 'device_refused', reason } })
  }

  #undoStep(plan: StepPlan): readonly number[] {
    const slots = this.#parts.scheduler.cancel(plan)
    this.#plan = undefined
    this.#early = false
    this.#steps--
    this.#holdings.stepEnded()
    return slots
  }

  /** Lets the others have the device, and waits for something to change. Refused or not, the device counted on a step from here. */
  #standBack(now: Micros): void {
    this.#turns.stall(now)
    this.#endTurn(now)
  }

  /** Ends a turn without a step: for memory, a step boundary like any other. */
  #endTurn(now: Micros): void {
    this.#holdings.turnEnded()
    this.#keepLease(now)
    this.#phase = 'idle'
    this.#turns.pass()
  }
}

/** Apart from `#executed`, so that the hot path carries no closure. */
function refuseEnd(engine: string): never {
  invariant(false, () => `${engine} heard of a step it did not run`)
}
