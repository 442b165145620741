const N = 624
const M = 397

/**
 * `random.Random(seed)` of CPython, as far as `randint` goes, so that a workload recorded with it can be made again. MT19937 by
 * M. Matsumoto and T. Nishimura (2002), seeded by array as CPython's `_randommodule.c` does, whole numbers by `Random._randbelow`.
 */
export class PythonRandom {
  readonly #state = new Int32Array(N)
  #next = N

  /** @param seed below 2^32 */
  constructor(seed: number) {
    const state = this.#state
    state[0] = 19_650_218
    for (let i = 1; i < N; i++) state[i] = Math.imul(1_812_433_253, state[i - 1] ^ (state[i - 1] >>> 30)) + i
    let i = 1
    for (let k = 0; k < N; k++) {
      state[i] = (state[i] ^ Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), 1_664_525)) + seed
      i = this.#following(i)
    }
    for (let k = 1; k < N; k++) {
      state[i] = (state[i] ^ Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), 1_566_083_941)) - i
      i = this.#following(i)
    }
    state[0] = 0x8000_0000 | 0
  }

  /** A whole number from `low` to `high`, both included; fewer than 2^32 of them. */
  randint(low: number, high: number): number {
    const count = high - low + 1
    const shift = Math.clz32(count)
    let drawn = this.#draw() >>> shift
    while (drawn >= count) drawn = this.#draw() >>> shift
    return low + drawn
  }

  /** The next place but 0, which takes over what the last one has. */
  #following(i: number): number {
    if (i < N - 1) return i + 1
    this.#state[0] = this.#state[N - 1]
    return 1
  }

  #draw(): number {
    if (this.#next === N) this.#refill()
    let y = this.#state[this.#next++]
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c_5680
    y ^= (y << 15) & 0xefc6_0000
    return (y ^ (y >>> 18)) >>> 0
  }

  #refill(): void {
    const state = this.#state
    for (let k = 0; k < N; k++) {
      const y = (state[k] & 0x8000_0000) | (state[(k + 1) % N] & 0x7fff_ffff)
      state[k] = state[(k + M) % N] ^ (y >>> 1) ^ ((y & 1) === 0 ? 0 : 0x9908_b0df)
    }
    this.#next = 0
  }
}
