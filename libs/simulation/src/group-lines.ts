import type { DeviceAnswer, DeviceCommand } from '@kvasir/contracts'
import type { EngineInput, EngineMachine } from '@kvasir/engine-core'
import type { EventHeap, Micros } from '@kvasir/kernel'
import type { EngineHost } from './build.js'
import { EventClass } from './event-class.js'
import { Slab } from './slab.js'

/** What the lines need of the simulation they are in. */
export interface LineWorld {
  readonly heap: EventHeap
  now(): Micros
  /** A command has reached the group. */
  command(engine: EngineHost, command: DeviceCommand): void
  /** An answer has reached the engine. */
  tell(engine: EngineHost, input: EngineInput): void
}

/** A word on its way, of or for one run of an engine: the next run has another line. */
type Word = { readonly engine: EngineHost; readonly run: EngineMachine } & (
  | { readonly kind: 'command'; readonly command: DeviceCommand }
  | { readonly kind: 'answer'; readonly input: EngineInput }
)

/**
 * Lines between engines and groups in another process (`RemoteGroup` of live engines): words take time on their way, and after a step the
 * engine puts out tokens before it hears or says anything else there. The group does nothing meanwhile but what others ask of it.
 *
 * ```
 *   engine   output│plan          output│plan
 *                  └──┐           ┌──┘     └──┐
 *   group             └─ step ────┘           └─ step ───
 *                latency      latency
 * ```
 */
export class GroupLines {
  readonly #world: LineWorld
  readonly #words = new Slab<Word>()
  /** By engine: until when it puts out tokens. */
  readonly #busyUntilUs: Float64Array
  /** By engine: sequences of the step it sent last. */
  readonly #sequences: Uint32Array

  constructor(world: LineWorld, engines: number) {
    this.#world = world
    this.#busyUntilUs = new Float64Array(engines)
    this.#sequences = new Uint32Array(engines)
  }

  send(engine: EngineHost, command: DeviceCommand): void {
    if (command.kind === 'execute') this.#sequences[engine.index] = command.shape.sequences
    const sentUs = Math.max(this.#world.now(), this.#busyUntilUs[engine.index])
    this.#push(sentUs + latencyUs(engine), { kind: 'command', engine, run: engine.machine, command })
  }

  answer(engine: EngineHost, input: EngineInput): void {
    this.#push(this.#world.now() + latencyUs(engine), { kind: 'answer', engine, run: engine.machine, input })
  }

  /** The payload of a `GroupWord`. What is for a run that is over, nobody hears. */
  arrives(payload: number): void {
    const word = this.#words.take(payload)
    const { engine, run } = word
    if (engine.machine !== run || engine.dead) return
    if (word.kind === 'command') return this.#world.command(engine, word.command)
    const now = this.#world.now()
    const freeUs = this.#busyUntilUs[engine.index]
    if (freeUs > now) return this.#push(freeUs, word)
    const { input } = word
    if (input.kind !== 'executed') return this.#world.tell(engine, input)
    this.#busyUntilUs[engine.index] = now + outputUs(engine, this.#sequences[engine.index])
    this.#world.tell(engine, onItsClock(input, now))
  }

  #push(atUs: Micros, word: Word): void {
    this.#world.heap.push(atUs, EventClass.GroupWord, this.#words.put(word))
  }
}

function latencyUs({ model }: EngineHost): Micros {
  return model.plan.remoteGroup?.latencyUs ?? 0
}

function outputUs({ model }: EngineHost, sequences: number): Micros {
  const { outputUs = 0, outputSequenceUs = 0 } = model.plan.remoteGroup ?? {}
  return Math.round(outputUs + outputSequenceUs * Math.max(0, sequences - 1))
}

/** As `RemoteGroup` has it: how long a step took is the group's to say, when it ended is when the engine hears of it. */
function onItsClock(executed: Extract<DeviceAnswer, { kind: 'executed' }>, now: Micros): EngineInput {
  const { startedUs, finishedUs } = executed
  return { ...executed, startedUs: now - (finishedUs - startedUs), finishedUs: now }
}
