import type { FinishReason } from './sequence-input.js'

/** By code in `StepOutcome.finishedReasons`. */
export const finishReasons: readonly FinishReason[] = ['stop', 'length']
export const FINISH_STOP = 0
export const FINISH_LENGTH = 1

/** What a completed step gave. The arrays are longer than their counts and reused: valid until the next completion. */
export interface StepOutcome {
  /** Slots that got a token, in the order of the plan. */
  readonly tokenCount: number
  readonly tokenSlots: Int32Array
  /** Slots that are finished, among them, in the same order; readable until the next plan. */
  readonly finishedCount: number
  readonly finishedSlots: Int32Array
  /** Codes into {@link finishReasons}. */
  readonly finishedReasons: Uint8Array
}

export class OutcomeBuffer implements StepOutcome {
  tokenCount = 0
  tokenSlots = new Int32Array(64)
  finishedCount = 0
  finishedSlots = new Int32Array(64)
  finishedReasons = new Uint8Array(64)

  reset(capacity: number): void {
    this.tokenCount = 0
    this.finishedCount = 0
    if (capacity <= this.tokenSlots.length) return
    const length = Math.max(capacity, this.tokenSlots.length * 2)
    this.tokenSlots = new Int32Array(length)
    this.finishedSlots = new Int32Array(length)
    this.finishedReasons = new Uint8Array(length)
  }
}
