import { invariant } from '@kvasir/kernel'

/** GPUs of a cluster by index. Whoever takes some holds them alone until it gives them back. */
export class GpuSet {
  readonly #taken: boolean[]
  #free: number

  constructor(gpus: number) {
    this.#taken = Array<boolean>(gpus).fill(false)
    this.#free = gpus
  }

  get free(): number {
    return this.#free
  }

  /** The free ones with the lowest indices; there must be `count` of them. */
  take(count: number): readonly number[] {
    invariant(count <= this.#free, () => `${count} GPUs taken of ${this.#free} free ones`)
    const gpus: number[] = []
    for (let gpu = 0; gpus.length < count; gpu++) {
      if (this.#taken[gpu]) continue
      this.#taken[gpu] = true
      gpus.push(gpu)
    }
    this.#free -= count
    return gpus
  }

  give(gpus: readonly number[]): void {
    for (const gpu of gpus) {
      invariant(this.#taken[gpu], () => `GPU ${gpu} was given back by somebody who did not hold it`)
      this.#taken[gpu] = false
    }
    this.#free += gpus.length
  }
}
