import type { Tokens } from '@kvasir/kernel'

/** Buckets of one octave; lengths below twice as many have a bucket each. */
const PER_OCTAVE = 16
/** Lengths are below 2^31: 16 exact ones, then octaves from 2^4 to 2^30. */
const BUCKETS = PER_OCTAVE + 27 * PER_OCTAVE

/**
 * Lengths seen, as a histogram of fixed size with 16 buckets an octave: a quantile is at most 1/16 above the exact one, wherever it
 * lies. What is old counts less: when the sketch holds twice its window, everything in it is halved.
 */
export class LengthSketch {
  readonly #window: number
  readonly #counts = new Float64Array(BUCKETS)
  #total = 0

  constructor(window: number) {
    this.#window = window
  }

  /** Lengths held, the old ones at what they still count for. */
  get total(): number {
    return this.#total
  }

  /** @param length at least 0 and below 2^31. */
  add(length: Tokens): void {
    this.#counts[bucketOf(length)]++
    this.#total++
    if (this.#total < 2 * this.#window) return
    for (let i = 0; i < BUCKETS; i++) this.#counts[i] /= 2
    this.#total /= 2
  }

  /** The quantile among the lengths above `above`, up to a bucket's width; undefined when none was seen. */
  quantileAbove(above: Tokens, quantile: number): Tokens | undefined {
    const first = bucketOf(above) + 1
    let left = 0
    for (let i = first; i < BUCKETS; i++) left += this.#counts[i]
    if (left === 0) return undefined
    const wanted = quantile * left
    let last = first
    let sum = 0
    for (let i = first; i < BUCKETS && (sum < wanted || sum === 0); i++) {
      sum += this.#counts[i]
      if (this.#counts[i] > 0) last = i
    }
    return longestIn(last)
  }
}

function bucketOf(length: Tokens): number {
  if (length < PER_OCTAVE) return length
  const shift = 27 - Math.clz32(length)
  return shift * PER_OCTAVE + (length >>> shift)
}

function longestIn(bucket: number): Tokens {
  if (bucket < PER_OCTAVE) return bucket
  const shift = Math.floor(bucket / PER_OCTAVE) - 1
  return (bucket - shift * PER_OCTAVE + 1) * 2 ** shift - 1
}
