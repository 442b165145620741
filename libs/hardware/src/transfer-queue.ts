import { type Bytes, invariant, type Micros } from '@kvasir/kernel'
import type { Gpu } from './gpu.js'
import { swapUs } from './transfer-cost.js'

/** Out of the GPU, or into it. Links carry both at once at full rate (PCIe and NVLink-C2C are full duplex). */
export type CopyDirection = 'out' | 'in'

/** When a copy has the link: it waits from when it was asked for until `startUs`. */
export interface ScheduledCopy {
  readonly startUs: Micros
  readonly endUs: Micros
}

/**
 * A group's links to host memory as everything on it shares them: one copy at a time in each direction, in the order asked for.
 * Ranks copy alike, so the group has one queue a direction.
 *
 *   asked   |--wait--|--launch, bytes--|
 *           now      startUs           endUs
 */
export class TransferQueue {
  readonly #gpu: Gpu
  readonly #freeUs: Record<CopyDirection, Micros> = { out: 0, in: 0 }
  #askedUs: Micros = 0

  constructor(gpu: Gpu) {
    this.#gpu = gpu
  }

  /** Takes the link for `bytesPerRank` on every rank. Copies are asked for in order of time. */
  add(now: Micros, copy: { readonly direction: CopyDirection; readonly bytesPerRank: Bytes }): ScheduledCopy {
    invariant(
      now >= this.#askedUs,
      () => `a copy is asked for at ${now} us, after one at ${this.#askedUs} us`,
    )
    this.#askedUs = now
    const startUs = Math.max(now, this.#freeUs[copy.direction])
    const endUs = startUs + swapUs(copy.bytesPerRank, this.#gpu)
    this.#freeUs[copy.direction] = endUs
    return { startUs, endUs }
  }

  /** Microseconds a copy asked for now would wait. */
  waitUs(now: Micros, direction: CopyDirection): Micros {
    return Math.max(0, this.#freeUs[direction] - now)
  }
}
