const SIZE = 624
const SHIFT = 397

/**
 * MT19937 with the seeding and the draws of CPython's `random` (Matsumoto and Nishimura 1998; `_randommodule.c`,
 * `random.py`). It only reproduces workloads that others recorded with it; whatever Kvasir draws itself comes from
 * the kernel's `SeededRng`.
 */
export class MersenneTwister {
  readonly #state = new Uint32Array(SIZE)
  #next = SIZE

  /** As `random.seed(seed)` for a whole number below 2^32. */
  constructor(seed: number) {
    this.#fill(19_650_218)
    this.#mixIn(seed)
  }

  /** As `random()`: 53 random bits in [0, 1). */
  unit(): number {
    const high = this.#word() >>> 5
    const low = this.#word() >>> 6
    return (high * 0x400_0000 + low) / 0x20_0000_0000_0000
  }

  /** As `randrange(count)`, for 1 ≤ count < 2^32: bits are drawn until they make a number below `count`. */
  below(count: number): number {
    const spare = Math.clz32(count)
    for (;;) {
      const value = this.#word() >>> spare
      if (value < count) return value
    }
  }

  /** As `randint(min, max)`, both ends included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1)
  }

  #fill(seed: number): void {
    const state = this.#state
    state[0] = seed
    for (let i = 1; i < SIZE; i++) {
      state[i] = Math.imul(1_812_433_253, state[i - 1] ^ (state[i - 1] >>> 30)) + i
    }
  }

  /** `init_by_array` with the one word that a small seed has. */
  #mixIn(seed: number): void {
    const state = this.#state
    let at = 1
    const advance = () => {
      at++
      if (at < SIZE) return
      state[0] = state[SIZE - 1]
      at = 1
    }
    const mixed = (factor: number) => Math.imul(state[at - 1] ^ (state[at - 1] >>> 30), factor)
    for (let round = 0; round < SIZE; round++) {
      state[at] = (state[at] ^ mixed(1_664_525)) + seed
      advance()
    }
    for (let round = 1; round < SIZE; round++) {
      state[at] = (state[at] ^ mixed(1_566_083_941)) - at
      advance()
    }
    state[0] = 0x8000_0000
  }

  #word(): number {
    if (this.#next === SIZE) this.#twist()
    let word = this.#state[this.#next++]
    word ^= word >>> 11
    word ^= (word << 7) & 0x9d2c_5680
    word ^= (word << 15) & 0xefc6_0000
    return (word ^ (word >>> 18)) >>> 0
  }

  #twist(): void {
    const state = this.#state
    for (let i = 0; i < SIZE; i++) {
      const joined = (state[i] & 0x8000_0000) | (state[(i + 1) % SIZE] & 0x7fff_ffff)
      state[i] = state[(i + SHIFT) % SIZE] ^ (joined >>> 1) ^ (joined & 1 ? 0x9908_b0df : 0)
    }
    this.#next = 0
  }
}
