import { invariant } from '@kvasir/kernel'
import { nearestRank, type Samples } from './samples.js'

/** Buckets per octave above the exact range: a bucket is at most 1/1024 (0.098 %) of its values wide. */
const OCTAVE_BITS = 10
const OCTAVE_BUCKETS = 1 << OCTAVE_BITS
const PAGE_BITS = 9
const PAGE_SIZE = 1 << PAGE_BITS
const PAGE_MASK = PAGE_SIZE - 1
/** Values are safe integers: below 2^53. */
const VALUE_BITS = 53
/** Values that wait to be counted together. */
const WAITING_MAX = 32
/** 131 ms in microseconds: most gaps between tokens are counted exactly, and the exact part stays below 1 MiB. */
const DEFAULT_EXACT_BITS = 17

/**
 * Counts of whole, non-negative values, such as microseconds. Values below `exactBelow` (a power of two) are counted
 * exactly; above it each power of two is divided into 1024 buckets and a percentile answers a bucket's middle, wrong by
 * less than 0.05 %. Count, mean, minimum and maximum are exact throughout.
 *
 * Hot path: `add` runs once for every group of equal gaps between tokens, up to hundreds of millions of times in a large
 * simulation: about 14 ns each for scattered values (counting into one plain array: 5 ns; Node 20, 2-core virtual machine).
 * Values wait until there are {@link WAITING_MAX} of them: where many histograms are added to in turn, each count is far
 * from the last, and a processor fetches for a whole loop of them at once. Counts live in pages of 4 KiB that are made when
 * first touched, so a histogram costs what its values are spread over and never more than 1.3 MiB with the default bound.
 */
export class CountingHistogram implements Samples {
  readonly #exactBits: number
  readonly #exactBelow: number
  readonly #pages: (Float64Array | undefined)[]
  /** Values not counted yet, and how often each. */
  readonly #values = new Float64Array(WAITING_MAX)
  readonly #times = new Float64Array(WAITING_MAX)
  #waiting = 0
  #count = 0
  #sum = 0
  #min = Infinity
  #max = -Infinity

  /** @param options.exactBits log2 of the bound below which values are counted exactly, 10..30. */
  constructor(options: { readonly exactBits?: number } = {}) {
    const bits = options.exactBits ?? DEFAULT_EXACT_BITS
    invariant(
      Number.isInteger(bits) && bits >= OCTAVE_BITS && bits <= 30,
      () => `exactBits ${bits} not in 10..30`,
    )
    this.#exactBits = bits
    this.#exactBelow = 2 ** bits
    const buckets = this.#exactBelow + (VALUE_BITS - bits) * OCTAVE_BUCKETS
    this.#pages = new Array<Float64Array | undefined>(Math.ceil(buckets / PAGE_SIZE)).fill(undefined)
  }

  /** First value that is not counted exactly. */
  get exactBelow(): number {
    return this.#exactBelow
  }

  /** Adds `value` `times` times: a whole number from 0 to 2^53 - 1, and a whole number of times from 0. */
  add(value: number, times = 1): void {
    if (!Number.isSafeInteger(value) || value < 0 || !Number.isSafeInteger(times) || times < 0)
      refuse(value, times)
    if (times === 0) return
    if (this.#waiting === WAITING_MAX) this.#settle()
    const k = this.#waiting++
    this.#values[k] = value
    this.#times[k] = times
  }

  /** Counts what waits. Whoever reads begins with it. */
  #settle(): void {
    const waiting = this.#waiting
    this.#waiting = 0
    let count = this.#count
    let sum = this.#sum
    let min = this.#min
    let max = this.#max
    for (let k = 0; k < waiting; k++) {
      const value = this.#values[k]
      const times = this.#times[k]
      const bucket = value < this.#exactBelow ? value : this.#bucketOfLarge(value)
      const page = this.#pages[bucket >>> PAGE_BITS] ?? this.#makePage(bucket >>> PAGE_BITS)
      page[bucket & PAGE_MASK] += times
      count += times
      sum += value * times
      if (value < min) min = value
      if (value > max) max = value
    }
    this.#count = count
    this.#sum = sum
    this.#min = min
    this.#max = max
  }

  /** Adds what `other`, of the same `exactBits`, has counted. */
  merge(other: CountingHistogram): void {
    invariant(
      other.#exactBits === this.#exactBits,
      () => `histograms of ${this.#exactBits} and ${other.#exactBits} exact bits cannot be merged`,
    )
    this.#settle()
    other.#settle()
    other.#pages.forEach((theirs, index) => {
      if (theirs === undefined) return
      const ours = this.#pages[index] ?? this.#makePage(index)
      for (let i = 0; i < PAGE_SIZE; i++) ours[i] += theirs[i]
    })
    this.#count += other.#count
    this.#sum += other.#sum
    this.#min = Math.min(this.#min, other.#min)
    this.#max = Math.max(this.#max, other.#max)
  }

  get count(): number {
    this.#settle()
    return this.#count
  }

  get sum(): number {
    this.#settle()
    return this.#sum
  }

  mean(): number | undefined {
    const { count } = this
    return count === 0 ? undefined : this.#sum / count
  }

  min(): number | undefined {
    return this.count === 0 ? undefined : this.#min
  }

  max(): number | undefined {
    return this.count === 0 ? undefined : this.#max
  }

  percentile(percent: number): number | undefined {
    const { count } = this
    if (count === 0) return undefined
    const rank = nearestRank(percent, count)
    let seen = 0
    for (let index = 0; index < this.#pages.length; index++) {
      const page = this.#pages[index]
      if (page === undefined) continue
      for (let i = 0; i < PAGE_SIZE; i++) {
        seen += page[i]
        if (seen >= rank) return this.#valueOf(index * PAGE_SIZE + i)
      }
    }
    return this.#max
  }

  /**
   * Every value that was counted, ascending, with how often; a bucket above the exact range is given by its middle,
   * kept between the minimum and the maximum.
   */
  *buckets(): Generator<readonly [value: number, times: number]> {
    this.#settle()
    for (let index = 0; index < this.#pages.length; index++) {
      const page = this.#pages[index]
      if (page === undefined) continue
      for (let i = 0; i < PAGE_SIZE; i++) {
        if (page[i] > 0) yield [this.#valueOf(index * PAGE_SIZE + i), page[i]]
      }
    }
  }

  /** Bytes of the pages made so far. */
  get bytes(): number {
    this.#settle()
    return this.#pages.reduce((bytes, page) => bytes + (page?.byteLength ?? 0), 0)
  }

  #bucketOfLarge(value: number): number {
    const exponent = floorLog2(value)
    const within = Math.floor(value / 2 ** (exponent - OCTAVE_BITS)) - OCTAVE_BUCKETS
    return this.#exactBelow + (exponent - this.#exactBits) * OCTAVE_BUCKETS + within
  }

  #valueOf(bucket: number): number {
    if (bucket < this.#exactBelow) return bucket
    const above = bucket - this.#exactBelow
    const width = 2 ** ((above >>> OCTAVE_BITS) + this.#exactBits - OCTAVE_BITS)
    const lowest = (OCTAVE_BUCKETS + (above & (OCTAVE_BUCKETS - 1))) * width
    return Math.min(this.#max, Math.max(this.#min, lowest + Math.floor(width / 2)))
  }

  #makePage(index: number): Float64Array {
    const page = new Float64Array(PAGE_SIZE)
    this.#pages[index] = page
    return page
  }
}

/** Exact for whole numbers up to 2^53: `Math.log2` may round up just below a power of two. */
function floorLog2(value: number): number {
  return value < 2 ** 32 ? 31 - Math.clz32(value) : 63 - Math.clz32(value / 2 ** 32)
}

/** Apart from `add`, so that the hot path carries no closure. */
function refuse(value: number, times: number): never {
  invariant(
    false,
    () => `a histogram counts whole values from 0 a whole number of times, not ${value} x ${times}`,
  )
}
