import type { DeviceCommand, DeviceRefusal, EngineDocument, EngineMessage } from '@kvasir/contracts'
import { invariant, type Micros } from '@kvasir/kernel'
import { BlockPool, SwapSpace, SyntheticContent } from '@kvasir/kv-cache'
import {
  defaultSchedulerConfig,
  Scheduler,
  type SchedulerConfig,
  type SequenceCosts,
} from '@kvasir/scheduler'
import type { EngineEffect, EngineInput } from '../engine-effect.js'
import { EngineMachine } from '../engine-machine.js'
import type { EngineOptions } from '../engine-options.js'

export const blockSize = 16
export const blocksPerBundle = 4
/** Tokens that fit into a bundle. */
export const bundleTokens = blockSize * blocksPerBundle
const bundleCapacity = 64

export const engineOptions: EngineOptions = {
  engine: 'a',
  incarnation: 1,
  model: 'm',
  blockBytesPerRank: 1_000,
  share: 0.5,
  roundUs: 100_000,
  heartbeatUs: 500_000,
  leaseUs: 8_000_000,
  requestWithinUs: 1_000_000,
  graceUs: 1_000_000,
  leadUs: 500_000,
  backoffUs: 2_000_000,
  returnsIdle: false,
  nominalRate: 10_000,
}

/** Host memory of an engine whose configuration swaps, and what it costs: a copy is cheaper than computing anew. */
const hostBlocks = 100
const costs: SequenceCosts = { recomputeUs: (tokens) => 1_000 * tokens, swapUs: (blocks) => 1_000 * blocks }

/** A member alone in its pool, with a lease and a budget that nothing exhausts. */
const plentiful: EngineDocument = {
  engine: 'a',
  incarnation: 1,
  epoch: 1,
  sequence: 1,
  ackBeat: 1,
  processedThrough: 0,
  member: true,
  census: false,
  leaseBundles: 32,
  guaranteeBundles: 4,
  limitBundles: bundleCapacity,
  budget: { round: 1, tokens: 100_000, lentTokens: 0, floor: 100 },
  reclaims: [],
  sharesPool: false,
  supplyWanted: false,
  outcomes: [],
}

export interface Work {
  readonly id?: string
  readonly promptTokens: number
  readonly outputTokens: number
  readonly priority?: number
  readonly deadlineUs?: Micros
}

type Sent<K extends EngineMessage['kind']> = Extract<EngineMessage, { kind: K }>
type Commanded<K extends DeviceCommand['kind']> = Extract<DeviceCommand, { kind: K }>

/**
 * An engine whose owner and device a test plays. The device answers in order and at once, but for a step, which the test
 * ends: so anything can happen while it runs. (The real device machine is another core, which this one may not import; both meet in
 * the simulation.)
 */
export class EngineUnderTest {
  readonly pool: BlockPool
  readonly machine: EngineMachine
  now: Micros = 0
  stepUs: Micros = 20_000
  /** Effects of all inputs so far; plans and outcomes in it are the scheduler's and change. */
  readonly log: EngineEffect[] = []
  /** Slots of every step that was executed or refused. */
  readonly steps: number[][] = []
  /** The device: what it refuses, and what it has. */
  deviceEpoch = 0
  free: number[] = Array.from({ length: bundleCapacity }, (_, id) => id)
  #commands: DeviceCommand[] = []
  #waiting = false
  /** The step that runs was sent with a wish for the next turn. */
  #next = false
  #sequence = 0
  #submitted = 0

  constructor(options: Partial<EngineOptions> = {}, config: Partial<SchedulerConfig> = {}) {
    const scheduling = { ...defaultSchedulerConfig, prefixCaching: false, ...config }
    const { prefixCaching } = scheduling
    const placement = 'fullest-bundle'
    this.pool = new BlockPool({ blockSize, blocksPerBundle, bundleCapacity, placement, prefixCaching })
    const scheduler = new Scheduler(scheduling, this.pool, costs, new SwapSpace(hostBlocks))
    this.machine = new EngineMachine({ ...engineOptions, ...options }, scheduler, this.pool)
  }

  // --- inputs ---

  give(input: EngineInput): readonly EngineEffect[] {
    const effects = this.machine.step(this.now, input)
    for (const effect of effects) {
      this.log.push(effect)
      if (effect.kind === 'device') this.#commands.push(effect.command)
      if (effect.kind === 'planned')
        this.steps.push(Array.from(effect.plan.slots.subarray(0, effect.plan.count)))
    }
    return effects
  }

  /** Starts the engine; its first heartbeat is answered with a document. */
  join(change: Partial<EngineDocument> = {}): void {
    this.give({ kind: 'start' })
    this.give({ kind: 'wake' })
    this.document(change)
  }

  /** The newest document of the plentiful kind, but for the change, in answer to the newest heartbeat. */
  document(change: Partial<EngineDocument> = {}): readonly EngineEffect[] {
    const beat = this.sent('heartbeat').at(-1)?.beat ?? 0
    const document = { ...plentiful, sequence: ++this.#sequence, ackBeat: beat, ...change }
    return this.give({ kind: 'document', document })
  }

  /** The slot of the accepted sequence, or -1. */
  submit(work: Work): number {
    const number = ++this.#submitted
    const { id = `s${number}`, promptTokens, outputTokens: maxOutputTokens, priority = 0, deadlineUs } = work
    const content = new SyntheticContent({ uniqueSeed: number })
    const due = deadlineUs === undefined ? {} : { deadlineUs }
    const sequence = { id, promptTokens, maxOutputTokens, priority, arrivalUs: this.now, content, ...due }
    for (const effect of this.give({ kind: 'submit', sequence }))
      if (effect.kind === 'accepted') return effect.slot
    return -1
  }

  /** Goes to a time, waking the engine whenever it wants to be woken on the way. */
  advanceTo(time: Micros): void {
    for (let deadline = this.#deadline(); deadline <= time; deadline = this.#deadline()) {
      this.now = Math.max(this.now, deadline)
      this.give({ kind: 'wake' })
      invariant(this.#deadline() > this.now, () => `woken at ${this.now} us, it wants to be woken at once`)
    }
    this.now = time
  }

  #deadline(): Micros {
    return this.machine.nextDeadline() ?? Infinity
  }

  // --- the device ---

  /** Lets the engine and its device get as far as the next step; false when they come to rest without one. */
  startStep(): boolean {
    for (;;) {
      const command = this.#commands.shift()
      if (command?.kind === 'execute') {
        this.#next = command.next !== undefined
        if (!this.#isStale(command)) return true
        this.#refuse(command, 'stale_epoch')
      } else if (command) {
        this.#perform(command)
      } else if (this.#waiting) {
        this.#waiting = false
        this.give({ kind: 'turn', engine: 'a' })
      } else {
        return false
      }
    }
  }

  endStep(): readonly EngineEffect[] {
    const startedUs = this.now
    this.advanceTo(this.now + this.stepUs)
    this.#waiting ||= this.#next
    const next = this.#next ? { next: true as const } : {}
    return this.give({ kind: 'executed', engine: 'a', startedUs, finishedUs: this.now, ...next })
  }

  /** Runs up to so many steps; says how many there were. */
  run(steps = Infinity): number {
    let done = 0
    while (done < steps && this.startStep()) {
      this.endStep()
      done++
    }
    return done
  }

  #perform(command: DeviceCommand): void {
    if (command.kind === 'ready') {
      if (this.#isStale(command)) this.#refuse(command, 'stale_epoch')
      else this.#waiting = true
    } else if (command.kind === 'map') {
      this.#map(command)
    } else if (command.kind === 'copy') {
      this.give({ kind: 'copied', engine: 'a', copy: command.copy })
    } else if (command.kind === 'unmap') {
      this.free = this.free.concat(command.bundles).sort((a, b) => a - b)
    }
  }

  #map(command: Commanded<'map'>): void {
    if (this.#isStale(command)) return this.#refuse(command, 'stale_epoch')
    const bundles = this.free.splice(0, command.bundles)
    if (bundles.length === 0) this.#refuse(command, 'pool_exhausted')
    else this.give({ kind: 'mapped', engine: 'a', bundles })
  }

  #isStale(command: { readonly epoch: number }): boolean {
    return command.epoch < this.deviceEpoch
  }

  #refuse(command: DeviceCommand, reason: DeviceRefusal): void {
    this.give({ kind: 'refused', engine: 'a', command: command.kind, reason })
  }

  // --- what the engine did ---

  sent<K extends EngineMessage['kind']>(kind: K): Sent<K>[] {
    return sentIn(this.log, kind)
  }

  commanded<K extends DeviceCommand['kind']>(kind: K): Commanded<K>[] {
    return commandedIn(this.log, kind)
  }
}

export function sentIn<K extends EngineMessage['kind']>(
  effects: readonly EngineEffect[],
  kind: K,
): Sent<K>[] {
  const of = (message: EngineMessage): message is Sent<K> => message.kind === kind
  return effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : [])).filter(of)
}

export function commandedIn<K extends DeviceCommand['kind']>(
  effects: readonly EngineEffect[],
  kind: K,
): Commanded<K>[] {
  const of = (command: DeviceCommand): command is Commanded<K> => command.kind === kind
  return effects.flatMap((effect) => (effect.kind === 'device' ? [effect.command] : [])).filter(of)
}

export function ofKind<K extends EngineEffect['kind']>(
  effects: readonly EngineEffect[],
  kind: K,
): Extract<EngineEffect, { kind: K }>[] {
  return effects.filter((effect): effect is Extract<EngineEffect, { kind: K }> => effect.kind === kind)
}
