import { invariant, type Micros, MICROS_PER_SECOND } from '@kvasir/kernel'

/**
 * What a column's bucket says:
 * - `level`: a value that stays until it is set again (queue length): its mean over the bucket's time;
 * - `peak`: the same, but the largest value held in the bucket;
 * - `flow`: amounts that happen (tokens granted): their sum over the bucket's whole width, per second. A last row that is
 *   cut short therefore reads low; dividing by what is left of it would draw a peak that never was.
 *
 * Levels of `peak` columns are from 0.
 */
export type ColumnKind = 'level' | 'peak' | 'flow'

export interface ColumnSpec {
  readonly name: string
  readonly kind: ColumnKind
}

/** Rows of equal width; the last may be cut short by the end. */
export interface SeriesTable {
  /** Start of each bucket. */
  readonly timeUs: readonly Micros[]
  readonly widthUs: Micros
  readonly columns: readonly SeriesColumn[]
}

export interface SeriesColumn extends ColumnSpec {
  readonly values: readonly number[]
}

/**
 * Several named columns over time in fixed memory: when the buckets are full, neighbours are merged and the width
 * doubles, so a run of a second and a run of a month both end with between `capacity / 2` and `capacity` rows.
 *
 * ```
 *  width w   │a│b│c│d│ full        merging keeps integrals, sums and peaks exactly,
 *  width 2w  │a+b│c+d│   │   │     so no down-sampling ever hides an amount
 * ```
 */
export class StepSeries {
  readonly #specs: readonly ColumnSpec[]
  readonly #capacity: number
  readonly #startUs: Micros
  /**
   * Integral (level), maximum (peak) or sum (flow) of each column in each bucket. A bucket's columns lie side by side: what happens at
   * about the same time is written to the same few lines of memory, whosever column it is.
   */
  readonly #buckets: Float64Array
  readonly #width: number
  readonly #values: Float64Array
  readonly #sinceUs: Float64Array
  #widthUs: Micros
  #lastUs: Micros
  /** Of the newest change: mostly the next one falls into it too, without a division. */
  #row = 0
  #bucketEndUs: Micros

  /**
   * @param options.capacity most rows; even and at least 2.
   * @param options.widthUs width of a bucket at first: whole microseconds.
   */
  constructor(
    columns: readonly ColumnSpec[],
    options: { readonly startUs?: Micros; readonly capacity?: number; readonly widthUs?: Micros } = {},
  ) {
    const { startUs = 0, capacity = 512, widthUs = 10_000 } = options
    invariant(
      capacity >= 2 && capacity % 2 === 0,
      () => `capacity must be even and at least 2, not ${capacity}`,
    )
    invariant(
      Number.isInteger(widthUs) && widthUs > 0,
      () => `width must be whole microseconds, not ${widthUs}`,
    )
    this.#specs = columns
    this.#capacity = capacity
    this.#startUs = startUs
    this.#widthUs = widthUs
    this.#lastUs = startUs
    this.#bucketEndUs = startUs + widthUs
    this.#width = columns.length
    this.#buckets = new Float64Array(capacity * columns.length)
    this.#values = new Float64Array(columns.length)
    this.#sinceUs = new Float64Array(columns.length).fill(startUs)
  }

  get widthUs(): Micros {
    return this.#widthUs
  }

  /** From `nowUs` on the level of `column` (its index) is `value`. */
  set(column: number, nowUs: Micros, value: number): void {
    this.#advance(column, nowUs)
    this.#values[column] = value
    if (this.#specs[column].kind !== 'peak') return
    const at = this.#row + column
    if (value > this.#buckets[at]) this.#buckets[at] = value
  }

  /** `amount` of a flow happened at `nowUs`. */
  flow(column: number, nowUs: Micros, amount: number): void {
    this.#reach(nowUs)
    this.#buckets[this.#row + column] += amount
  }

  /** The table up to `untilUs`, which is not before the last change. Collecting may go on afterwards. */
  table(untilUs: Micros): SeriesTable {
    this.#specs.forEach((spec, column) => {
      if (spec.kind !== 'flow') this.#advance(column, untilUs)
    })
    this.#reach(untilUs)
    const elapsedUs = untilUs - this.#startUs
    // A run that ends on a border has no further row, unless something happened in that very microsecond.
    const rows = Math.max(1, Math.ceil(elapsedUs / this.#widthUs), this.#lastTouched() + 1)
    const timeUs = Array.from({ length: rows }, (_, row) => this.#startUs + row * this.#widthUs)
    return {
      timeUs,
      widthUs: this.#widthUs,
      columns: this.#specs.map((spec, column) => ({
        ...spec,
        values: timeUs.map((_, row) => this.#read(column, row, elapsedUs)),
      })),
    }
  }

  #read(column: number, row: number, elapsedUs: number): number {
    const amount = this.#buckets[row * this.#width + column]
    const heldUs = Math.min(this.#widthUs, elapsedUs - row * this.#widthUs)
    switch (this.#specs[column].kind) {
      case 'peak':
        return amount
      case 'level':
        return heldUs > 0 ? amount / heldUs : this.#values[column]
      case 'flow':
        return (amount * MICROS_PER_SECOND) / this.#widthUs
    }
  }

  /** Last row in which a flow has an amount; -1 when none has. */
  #lastTouched(): number {
    for (let at = this.#buckets.length - 1; at >= 0; at--)
      if (this.#buckets[at] !== 0 && this.#specs[at % this.#width].kind === 'flow')
        return Math.floor(at / this.#width)
    return -1
  }

  /** Books the column's present value over the buckets from its last change to `nowUs`. */
  #advance(column: number, nowUs: Micros): void {
    this.#reach(nowUs)
    const value = this.#values[column]
    if (value !== 0) {
      const buckets = this.#buckets
      const isPeak = this.#specs[column].kind === 'peak'
      let from = this.#sinceUs[column]
      while (from < nowUs) {
        const index = Math.floor((from - this.#startUs) / this.#widthUs)
        const to = Math.min(nowUs, this.#startUs + (index + 1) * this.#widthUs)
        const at = index * this.#width + column
        if (!isPeak) buckets[at] += value * (to - from)
        else if (value > buckets[at]) buckets[at] = value
        from = to
      }
    }
    this.#sinceUs[column] = nowUs
  }

  /** Makes room for `nowUs`: its bucket exists afterwards. */
  #reach(nowUs: Micros): void {
    if (nowUs < this.#lastUs) invariant(false, () => `time runs backwards: ${nowUs} after ${this.#lastUs}`)
    this.#lastUs = nowUs
    if (nowUs >= this.#bucketEndUs) this.#enter(nowUs)
  }

  /** Goes on to a later bucket, or to where it lies once neighbours are merged. */
  #enter(nowUs: Micros): void {
    while (nowUs - this.#startUs >= this.#capacity * this.#widthUs) this.#merge()
    const bucket = Math.floor((nowUs - this.#startUs) / this.#widthUs)
    this.#row = bucket * this.#width
    this.#bucketEndUs = this.#startUs + (bucket + 1) * this.#widthUs
  }

  #merge(): void {
    const buckets = this.#buckets
    const width = this.#width
    this.#specs.forEach(({ kind }, column) => {
      for (let i = 0; i < this.#capacity / 2; i++) {
        const left = buckets[2 * i * width + column]
        const right = buckets[(2 * i + 1) * width + column]
        buckets[i * width + column] = kind === 'peak' ? Math.max(left, right) : left + right
      }
    })
    buckets.fill(0, (this.#capacity / 2) * width)
    this.#widthUs *= 2
  }
}
