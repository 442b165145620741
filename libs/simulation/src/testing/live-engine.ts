import { budgetNoteSchema, engineDocumentSchema, type EngineMessage, withBudget } from '@kvasir/contracts'
import type { EngineEffect, EngineInput, EngineMachine } from '@kvasir/engine-core'
import { invariant, type Micros } from '@kvasir/kernel'
import { SyntheticContent } from '@kvasir/kv-cache'

/** What a run of one engine needs of the world around it. */
export interface EngineSurroundings {
  now(): Micros
  perform(engine: LiveEngine, effect: EngineEffect): void
  /** It is a member no more, though it lives: it was not heard for too long. */
  expelled(engine: LiveEngine): void
  /** After every step: its deadline may have changed. */
  stepped(engine: LiveEngine): void
}

/**
 * One engine's process as its driver would run it: killed and started again, or stopped for a while. Counts what becomes of every
 * sequence.
 */
export class LiveEngine {
  readonly name: string
  readonly model: string
  readonly #make: (incarnation: number) => EngineMachine
  readonly #world: EngineSurroundings
  machine: EngineMachine
  incarnation = 1
  alive = false
  pausedUntil: Micros = 0
  /** What came while it was stopped. */
  #held: (() => void)[] = []
  #documentText = ''
  wakeAt: Micros = Infinity
  readonly #bySlot = new Map<number, string>()
  #arriving: string | undefined
  readonly accepted: string[] = []
  /** By sequence, how it ended. */
  readonly ends = new Map<string, string>()
  #submitted = 0

  constructor(
    name: string,
    parts: { model: string; make: (incarnation: number) => EngineMachine; world: EngineSurroundings },
  ) {
    this.name = name
    this.model = parts.model
    this.#make = parts.make
    this.#world = parts.world
    this.machine = parts.make(this.incarnation)
  }

  start(): void {
    invariant(!this.alive, () => `${this.name} runs already`)
    this.alive = true
    this.#documentText = ''
    this.wakeAt = Infinity
    this.tell({ kind: 'start' })
  }

  /** As by a crash: nobody is told anything. */
  kill(): void {
    this.alive = false
    this.#held = []
    this.pausedUntil = 0
    for (const id of this.#bySlot.values()) this.#end(id, 'engine_lost')
    this.#bySlot.clear()
    this.incarnation++
    this.machine = this.#make(this.incarnation)
  }

  /** Does something in the engine's process; later, when it is stopped; never, when it has been killed since. */
  whenAwake(act: () => void): void {
    if (!this.alive) return
    if (this.#world.now() < this.pausedUntil) this.#held.push(act)
    else act()
  }

  /** A stop is over; there may be a later one. */
  resume(): void {
    if (this.#world.now() < this.pausedUntil) return
    const held = this.#held
    this.#held = []
    for (const act of held) act()
  }

  tell(input: EngineInput): void {
    this.whenAwake(() => {
      for (const effect of this.machine.step(this.#world.now(), input)) {
        this.#note(effect)
        this.#world.perform(this, effect)
      }
      this.#world.stepped(this)
    })
  }

  /** @param budget the newest beside a document, which may be this one. */
  document(text: string | null, budget?: string): void {
    if (text === null || `${text}${budget}` === this.#documentText) return
    this.#documentText = `${text}${budget}`
    const full = engineDocumentSchema.parse(JSON.parse(text))
    const together = budget && withBudget(full, budgetNoteSchema.parse(JSON.parse(budget)))
    const document = together && together !== 'behind' ? together : full
    this.tell({ kind: 'document', document })
    if (!document.member && document.incarnation === this.incarnation)
      this.whenAwake(() => this.#world.expelled(this))
  }

  submit(id: string, promptTokens: number, outputTokens: number, priority: number): void {
    this.whenAwake(() => {
      this.#arriving = id
      this.tell({
        kind: 'submit',
        sequence: {
          id,
          promptTokens,
          maxOutputTokens: outputTokens,
          knownOutputTokens: outputTokens,
          priority,
          arrivalUs: this.#world.now(),
          content: new SyntheticContent({ uniqueSeed: ++this.#submitted }),
        },
      })
      this.#arriving = undefined
    })
  }

  get unfinished(): readonly string[] {
    return this.accepted.filter((id) => !this.ends.has(id))
  }

  #note(effect: EngineEffect): void {
    if (effect.kind === 'accepted') {
      const id = this.#arriving
      invariant(id !== undefined, () => `${this.name} accepted what nobody submitted`)
      this.accepted.push(id)
      this.#bySlot.set(effect.slot, id)
    }
    if (effect.kind === 'ended') this.#endSlot(effect.slot, effect.reason)
    if (effect.kind === 'stepped') {
      const { finishedCount, finishedSlots } = effect.outcome
      for (let k = 0; k < finishedCount; k++) this.#endSlot(finishedSlots[k], 'finished')
    }
  }

  #endSlot(slot: number, how: string): void {
    const id = this.#bySlot.get(slot)
    invariant(id !== undefined, () => `${this.name}: slot ${slot} ends twice, or never began`)
    this.#bySlot.delete(slot)
    this.#end(id, how)
  }

  /** Law 6: exactly once. */
  #end(id: string, how: string): void {
    invariant(!this.ends.has(id), () => `${id} ends ${how} and was ${this.ends.get(id)}`)
    this.ends.set(id, how)
  }
}

export function peerCommandOf(engine: string, message: EngineMessage) {
  const text = JSON.stringify(message)
  return message.kind === 'heartbeat'
    ? ({ kind: 'beat', peer: engine, text, ring: false } as const)
    : ({ kind: 'say', peer: engine, text } as const)
}
