import { hashText, mix32 } from './hash.js'

/** A seeded stream of randomness. One stream per purpose, so that a new consumer never shifts an old one. */
export interface Rng {
  /** Uniform in [0, 1) with 32 bits. */
  uniform(): number
  /** Uniform integer in [0, bound); `bound` in 1..2^32. */
  int(bound: number): number
  /** Exponential variate with mean 1. */
  exponential(): number
  /** Standard normal variate. */
  normal(): number
}

/** sfc32 (Chris Doty-Humphrey's small fast counter generator), seeded from a run's seed and a stream's name. */
export class SeededRng implements Rng {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number, stream: string) {
    const name = hashText(stream)
    this.#a = mix32(seed | 0) | 0
    this.#b = mix32(Math.floor(seed / 0x1_0000_0000) ^ name) | 0
    this.#c = name | 0
    for (let i = 0; i < 15; i++) this.#next()
  }

  #next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (this.#c << 21) | (this.#c >>> 11)
    this.#c = (this.#c + t) | 0
    return t >>> 0
  }

  uniform(): number {
    return this.#next() / 0x1_0000_0000
  }

  int(bound: number): number {
    return Math.floor(this.uniform() * bound)
  }

  exponential(): number {
    return -Math.log(1 - this.uniform())
  }

  /** Box-Muller, one of the pair: no state is carried, so a stream's draws stay countable. */
  normal(): number {
    const radius = Math.sqrt(2 * this.exponential())
    return radius * Math.cos(2 * Math.PI * this.uniform())
  }
}
