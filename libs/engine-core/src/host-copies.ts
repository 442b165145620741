import type { BlockCopies } from '@kvasir/contracts'
import type { EngineParts } from './engine-parts.js'

/** Copies to host memory that the device has been told to make. */
interface OpenCopy {
  /** Bundles that are read until it is done. */
  readonly bundles: ReadonlySet<number>
  /** Whose KV it is; slots are given to others when a sequence is aborted. */
  readonly sequences: readonly { readonly slot: number; readonly id: string }[]
}

/**
 * What an engine's device is copying to host memory, in steps and beside them: no bundle that is read may be unmapped before it is
 * done, for its next owner would overwrite it.
 */
export class HostCopies {
  readonly #parts: EngineParts
  readonly #open = new Map<number, OpenCopy>()
  /** Bundles that the step on the device reads. */
  #ofStep: ReadonlySet<number> = new Set()
  #sent = 0
  #endsWithStep = false

  constructor(parts: EngineParts) {
    this.#parts = parts
  }

  reads(bundle: number): boolean {
    if (this.#ofStep.has(bundle)) return true
    for (const { bundles } of this.#open.values()) if (bundles.has(bundle)) return true
    return false
  }

  /** Has the device copy the KV of stopped sequences out, between steps. */
  send(copies: BlockCopies, slots: readonly number[]): void {
    const { options, scheduler, outbox } = this.#parts
    const { engine, incarnation } = options
    const { outCount } = copies
    if (outCount === 0) return
    const copy = ++this.#sent
    const sequences = slots.map((slot) => ({ slot, id: scheduler.id(slot) }))
    this.#open.set(copy, { bundles: this.#bundlesOf(copies), sequences })
    // The scheduler's lists are its own again after the next plan or release, when the device may still be copying.
    const outs = Array.from({ length: 2 * outCount }, (_, i) => copies.outs[i])
    outbox.device({
      kind: 'copy',
      engine,
      incarnation,
      copy,
      copies: { outCount, inCount: 0, outs, ins: [] },
    })
  }

  done(copy: number): void {
    this.#open.delete(copy)
  }

  stepBegan(copies: BlockCopies): void {
    if (copies.outCount > 0) this.#ofStep = this.#bundlesOf(copies)
  }

  stepEnded(): void {
    if (this.#ofStep.size > 0) this.#ofStep = new Set()
    if (this.#endsWithStep) this.#open.clear()
    this.#endsWithStep = false
  }

  /** The device makes copies and steps in order, and all of these are older than the step. */
  endWithStep(): void {
    this.#endsWithStep = true
  }

  /** No copy between steps that is under way counts any more: what it was to save will be computed again. */
  abandon(): void {
    for (const { sequences } of this.#open.values()) {
      for (const { slot, id } of sequences) this.#parts.scheduler.loseSwapped(slot, id)
    }
    this.#open.clear()
  }

  #bundlesOf({ outCount, outs }: BlockCopies): ReadonlySet<number> {
    const bundles = new Set<number>()
    for (let k = 0; k < outCount; k++) bundles.add(this.#parts.pool.bundleOf(outs[2 * k]))
    return bundles
  }
}
