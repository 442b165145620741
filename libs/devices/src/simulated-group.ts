import type {
  DeviceAnswer,
  DeviceCommand,
  DeviceEvent,
  DeviceSnapshot,
  JournalEntry,
} from '@kvasir/contracts'
import {
  type DeviceEffect,
  deviceEventOf,
  type DeviceInput,
  DeviceMachine,
  type DeviceOptions,
  journalEntryOf,
  type Run,
  type Transfer,
} from '@kvasir/device-core'
import type { StepCostModel } from '@kvasir/hardware'
import { type Clock, invariant, type Micros } from '@kvasir/kernel'
import { monotonicClock } from './clock.js'
import type { Device, DeviceLine, DeviceListener } from './device.js'
import { Pace } from './pace.js'

/** An engine's first words, see `DeviceCommand`. */
export type OpenCommand = Extract<DeviceCommand, { kind: 'open' }>

/** All that a group without arithmetic needs to know of a model. */
export type StepTimes = Pick<StepCostModel, 'stepUs'>

export interface SimulatedGroupOptions {
  readonly machine: DeviceOptions
  /** Step times of what is opened, on this group. @throws {RangeError} when it is not known. */
  costOf(open: OpenCommand): StepTimes
  /** How many times faster than the modelled GPUs it runs; 1 by default. */
  readonly speedUp?: number
  readonly clock?: Clock
  /** Absent: a group that is started anew has forgotten everything. */
  readonly journal?: DeviceJournal
  /** Hears of all that changes who may command and who has what. */
  readonly history?: DeviceHistory
}

/** Keeps what has happened, for whoever checks it afterwards. */
export interface DeviceHistory {
  note(event: DeviceEvent): void
}

/** Keeps what a group must not forget. */
export interface DeviceJournal {
  /** Writes before it returns: nobody is answered earlier. @param snapshot what all entries add up to, this one included. */
  write(entry: JournalEntry, snapshot: () => DeviceSnapshot): void
}

/**
 * A TP group without arithmetic: it keeps the device's contract and takes the time that the cost model says. Lines may come and
 * go; bundles belong to engines, not to lines.
 */
export class SimulatedGroup implements Device {
  readonly machine: DeviceMachine
  readonly #options: SimulatedGroupOptions
  readonly #clock: Clock
  readonly #pace: Pace
  readonly #speedUp: number
  /** The line over which each engine was last opened. */
  readonly #lines = new Map<string, Line>()
  readonly #costs = new Map<string, StepTimes>()

  constructor(options: SimulatedGroupOptions) {
    this.#options = options
    this.#clock = options.clock ?? monotonicClock
    this.#pace = new Pace(this.#clock)
    this.#speedUp = options.speedUp ?? 1
    this.machine = new DeviceMachine(options.machine)
    options.history?.note({ kind: 'began', total: options.machine.bundles, ...this.machine.snapshot() })
  }

  connect(listener: DeviceListener): DeviceLine {
    const line = new Line(listener, {
      send: (command) => this.#receive(line, command),
      close: () => this.#disconnected(line),
    })
    line.begin()
    return line
  }

  /** Nothing runs any more. */
  close(): void {
    this.#pace.stop()
  }

  #receive(line: Line, command: DeviceCommand): void {
    if (command.kind === 'open') this.#open(line, command)
    else if (command.kind === 'attach') this.#attach(line, command)
    else this.#carryOut(line, command)
  }

  /** A later run of the engine may be here already: then nothing changes. */
  #open(line: Line, command: OpenCommand): void {
    const cost = this.#options.costOf(command)
    if (!this.#carryOut(line, command)) return
    const { engine } = command
    this.#costs.set(engine, cost)
    this.#lines.set(engine, line)
    line.engines.add(engine)
  }

  /** From here on the engine is answered over this line. */
  #attach(line: Line, command: Extract<DeviceCommand, { kind: 'attach' }>): void {
    const { engine, incarnation } = command
    if (this.machine.incarnationOf(engine) === incarnation) {
      this.#lines.set(engine, line)
      line.engines.add(engine)
    }
    this.#carryOut(line, command)
  }

  /** Answers whether it was carried out. */
  #carryOut(line: Line, command: DeviceCommand): boolean {
    const effects = this.machine.step(this.#clock.now(), command)
    const entry = journalEntryOf(command, effects)
    if (entry) this.#options.journal?.write(entry, () => this.machine.snapshot())
    this.#noteEvent(command, effects)
    this.#perform(effects, line)
    return !effects.some((effect) => effect.kind === 'refused')
  }

  #noteEvent(command: DeviceCommand, effects: readonly DeviceEffect[]): void {
    const { history } = this.#options
    const event = history && deviceEventOf(command, effects)
    if (event) history?.note(event)
  }

  /** The group must not wait for an engine that cannot speak any more. */
  #disconnected(line: Line): void {
    for (const engine of line.engines) {
      if (this.#lines.get(engine) !== line) continue
      this.#lines.delete(engine)
      const incarnation = this.machine.incarnationOf(engine)
      if (incarnation === undefined) continue
      this.#perform(this.machine.step(this.#clock.now(), { kind: 'detached', engine, incarnation }))
    }
  }

  /** @param sender of the command that had these effects. */
  #perform(effects: readonly DeviceEffect[], sender?: Line): void {
    for (const effect of effects) {
      if (effect.kind === 'run') this.#run(effect)
      else if (effect.kind === 'transfer') this.#transfer(effect)
      else this.#answer(effect, sender)
    }
  }

  /** Refusals are the sender's: an earlier run of an engine may speak over an old line. */
  #answer(answer: DeviceAnswer, sender: Line | undefined): void {
    if (answer.kind === 'refused') return sender?.answer(answer, this.machine.epoch)
    const line = answer.kind === 'fenced' ? sender : this.#lines.get(answer.engine)
    line?.answer(answer, undefined)
  }

  #run({ engine, turn, shape, share, copyUs }: Run): void {
    const cost = this.#costs.get(engine)
    invariant(cost !== undefined, () => `engine ${engine} runs a step and was never opened`)
    this.#after(copyUs + cost.stepUs(shape) / share, { kind: 'ran', engine, turn })
  }

  #transfer({ transfer, copyUs }: Transfer): void {
    this.#after(copyUs, { kind: 'transferred', transfer })
  }

  #after(modelledUs: Micros, input: Extract<DeviceInput, { kind: 'ran' | 'transferred' }>): void {
    this.#pace.after(modelledUs / this.#speedUp, () =>
      this.#perform(this.machine.step(this.#clock.now(), input)),
    )
  }
}

class Line implements DeviceLine {
  readonly engines = new Set<string>()
  readonly #listener: DeviceListener
  readonly #group: DeviceLine
  #open = true

  constructor(listener: DeviceListener, group: DeviceLine) {
    this.#listener = listener
    this.#group = group
  }

  send(command: DeviceCommand): void {
    if (this.#open) this.#group.send(command)
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#group.close()
  }

  begin(): void {
    queueMicrotask(() => {
      if (this.#open) this.#listener.connected?.()
    })
  }

  /** Never within the call that caused it: who sends a command has not returned yet. */
  answer(answer: DeviceAnswer, highestEpoch: number | undefined): void {
    queueMicrotask(() => {
      if (this.#open) this.#listener.answer(answer, highestEpoch)
    })
  }
}
