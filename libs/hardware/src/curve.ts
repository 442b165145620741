import { invariant } from '@kvasir/kernel'

/**
 * Hot path: a tabulated function of a number >= 0. Each octave has 2^bits knots, so steps grow with the argument and their
 * share of it stays below 2^-bits; below 2^(bits + 1) units every whole number is a knot. Between knots it is linear, and
 * beyond the last one it goes on along the last segment. It never falls: a value below an earlier one is raised to it.
 *
 *   knots (bits = 2):  0 1 2 3 4 5 6 7 8   10   12   14   16      20      24 ...
 */
export class Curve {
  readonly #values: Float64Array
  readonly #bits: number
  readonly #unitsPerOne: number
  readonly #last: number

  /** Tabulates `value` from 0 to `largest`; `unit` is the distance of the first knots. */
  constructor(
    value: (argument: number) => number,
    range: { readonly largest: number; readonly unit?: number; readonly bits: number },
  ) {
    const { largest, unit = 1, bits } = range
    const units = largest / unit
    invariant(bits >= 1 && units >= 1 && units < 2 ** 30, () => `a curve of ${units} units and ${bits} bits`)
    this.#bits = bits
    this.#unitsPerOne = 1 / unit
    this.#last = knotIndex(Math.ceil(units), bits)
    this.#values = new Float64Array(this.#last + 2)
    let highest = 0
    for (let i = 0; i < this.#values.length; i++) {
      highest = Math.max(highest, value(knotAt(i, bits) * unit))
      this.#values[i] = highest
    }
  }

  at(argument: number): number {
    const units = argument * this.#unitsPerOne
    const whole = Math.floor(units)
    const bits = this.#bits
    if (whole < 2 << bits) return this.#between(whole, units - whole)
    if (whole >= 0x4000_0000) return this.#beyond(units)
    const shift = 31 - Math.clz32(whole) - bits
    const knot = (shift << bits) + (whole >> shift)
    if (knot > this.#last) return this.#beyond(units)
    return this.#between(knot, units / (1 << shift) - (whole >> shift))
  }

  #between(knot: number, fraction: number): number {
    if (knot > this.#last) return this.#beyond(knot + fraction)
    const low = this.#values[knot]
    return low + (this.#values[knot + 1] - low) * fraction
  }

  #beyond(units: number): number {
    const start = knotAt(this.#last, this.#bits)
    const step = knotAt(this.#last + 1, this.#bits) - start
    const low = this.#values[this.#last]
    return low + ((this.#values[this.#last + 1] - low) * (units - start)) / step
  }
}

function knotIndex(whole: number, bits: number): number {
  if (whole < 2 << bits) return whole
  const shift = 31 - Math.clz32(whole) - bits
  return (shift << bits) + (whole >> shift)
}

function knotAt(index: number, bits: number): number {
  if (index < 2 << bits) return index
  const shift = (index >> bits) - 1
  return (index - (shift << bits)) * 2 ** shift
}
