import type { Lifecycle } from './lifecycle.js'
import { KIND_RESTORED, KIND_RUNNING, type PlanBuffer } from './step-plan.js'

/** The step on the device: planned, not yet completed. Knows which of its sequences were stopped meanwhile. */
export class Flight {
  active = false
  /** Sequences of the step that were stopped since. */
  droppedCount = 0
  readonly #life: Lifecycle
  readonly #plan: PlanBuffer
  /** By plan entry. */
  #dropped = new Uint8Array(64)

  constructor(life: Lifecycle, plan: PlanBuffer) {
    this.#life = life
    this.#plan = plan
  }

  wasDropped(k: number): boolean {
    return this.#dropped[k] === 1
  }

  /**
   * Whether the sequence ran before the step on the device, or that one is done: all KV that it is said to have is there, whatever
   * becomes of the step.
   */
  ranBefore(slot: number): boolean {
    const k = this.active ? this.#plan.find(slot) : -1
    return k < 0 || this.#plan.kinds[k] === KIND_RUNNING
  }

  /** A sequence about to be stopped gets nothing from the step; and should it be cancelled, nobody else may either. */
  drop(slot: number): void {
    const k = this.active ? this.#plan.find(slot) : -1
    if (k < 0) return
    if (this.#dropped.length < this.#plan.count) this.#dropped = new Uint8Array(this.#plan.slots.length)
    this.#dropped[k] = 1
    this.droppedCount++
    this.undo(k)
  }

  /** Makes a sequence as if the step had not been planned for it; the blocks it got stay its own. */
  undo(k: number): void {
    const { store } = this.#life
    const slot = this.#plan.slots[k]
    const tokens = this.#plan.tokens[k]
    store.computed[slot] -= tokens
    this.#life.storedTokens -= tokens
    // What the step copies back from host memory may not be here either.
    const sure = this.#plan.kinds[k] === KIND_RESTORED ? store.found[slot] : store.computed[slot]
    this.#life.forgetBeyond(slot, sure)
  }

  land(): void {
    this.active = false
    if (this.droppedCount === 0) return
    this.#dropped.fill(0)
    this.droppedCount = 0
  }
}
