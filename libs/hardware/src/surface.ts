import { invariant } from '@kvasir/kernel'

/** One axis of a surface: knots as `Curve` has them, `unit` apart at first, 2^bits an octave later. */
export interface SurfaceAxis {
  readonly largest: number
  readonly unit: number
  readonly bits: number
}

const UNITS_MAX = 2 ** 30

/**
 * Hot path: a tabulated function of two numbers >= 0 that falls along neither. Linear between knots; beyond the last it goes
 * on along the last cell. Where the function it is made of does fall, `#neverFall` says what happens.
 */
export class Surface {
  readonly #values: Float64Array
  readonly #bitsA: number
  readonly #bitsB: number
  readonly #perUnitA: number
  readonly #perUnitB: number
  readonly #lastA: number
  readonly #lastB: number
  readonly #width: number

  constructor(value: (a: number, b: number) => number, axisA: SurfaceAxis, axisB: SurfaceAxis) {
    this.#bitsA = axisA.bits
    this.#bitsB = axisB.bits
    this.#perUnitA = 1 / axisA.unit
    this.#perUnitB = 1 / axisB.unit
    this.#lastA = Math.ceil(positionOf(axisA.largest / axisA.unit, axisA.bits))
    this.#lastB = Math.ceil(positionOf(axisB.largest / axisB.unit, axisB.bits))
    this.#width = this.#lastB + 2
    this.#values = new Float64Array((this.#lastA + 2) * this.#width)
    const unitsMax = Math.max(knotAt(this.#lastA + 1, axisA.bits), knotAt(this.#lastB + 1, axisB.bits))
    invariant(unitsMax <= 4 * UNITS_MAX, () => `a surface of ${unitsMax} units`)
    for (let i = 0; i < this.#values.length; i++) {
      const a = knotAt(Math.floor(i / this.#width), axisA.bits) * axisA.unit
      this.#values[i] = value(a, knotAt(i % this.#width, axisB.bits) * axisB.unit)
    }
    this.#neverFall()
  }

  at(a: number, b: number): number {
    const positionA = this.#position(a * this.#perUnitA, this.#bitsA, this.#lastA)
    const positionB = this.#position(b * this.#perUnitB, this.#bitsB, this.#lastB)
    const knotA = Math.min(Math.floor(positionA), this.#lastA)
    const knotB = Math.min(Math.floor(positionB), this.#lastB)
    const fractionB = positionB - knotB
    const first = knotA * this.#width + knotB
    const values = this.#values
    const low = values[first] + (values[first + 1] - values[first]) * fractionB
    const second = first + this.#width
    const high = values[second] + (values[second + 1] - values[second]) * fractionB
    return low + (high - low) * (positionA - knotA)
  }

  #position(units: number, bits: number, last: number): number {
    if (units < 2 << bits) return units
    if (units < UNITS_MAX) {
      const position = positionOf(units, bits)
      if (position <= last + 1) return position
    }
    const start = knotAt(last, bits)
    return last + (units - start) / (knotAt(last + 1, bits) - start)
  }

  /**
   * Along the second axis a value is lowered to those of larger arguments; then along the first it becomes the mean of the
   * highest before it and the lowest after it. Both keep what the other has done.
   */
  #neverFall(): void {
    const values = this.#values
    const width = this.#width
    for (let i = values.length - 2; i >= 0; i--) {
      if (i % width < width - 1) values[i] = Math.min(values[i], values[i + 1])
    }
    const lowest = values.slice()
    for (let i = values.length - width - 1; i >= 0; i--) lowest[i] = Math.min(lowest[i], lowest[i + width])
    for (let i = width; i < values.length; i++) values[i] = Math.max(values[i], values[i - width])
    for (let i = 0; i < values.length; i++) values[i] = (values[i] + lowest[i]) / 2
  }
}

/** Knot and fraction to the next in one number. */
function positionOf(units: number, bits: number): number {
  if (units < 2 << bits) return units
  const shift = 31 - Math.clz32(units) - bits
  return (shift << bits) + units / (1 << shift)
}

function knotAt(index: number, bits: number): number {
  if (index < 2 << bits) return index
  const shift = (index >> bits) - 1
  return (index - (shift << bits)) * 2 ** shift
}
