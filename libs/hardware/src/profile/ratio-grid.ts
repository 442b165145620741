import { invariant } from '@kvasir/kernel'

/**
 * What kernels were measured to take over what the roofline says, at knots of one to three sizes. It is how a profile is
 * kept: a ratio is flat where the roofline has the right form, so few knots do, and it carries over to GPUs that nobody
 * measured.
 */
export interface RatioTable {
  readonly axes: readonly RatioAxis[]
  /** `RATIO_UNITS` times the logarithm of the ratio, rounded; one row for all knots of the last axis, the axis before it next. */
  readonly rows: readonly string[]
}

export interface RatioAxis {
  readonly name: string
  /** Ascending and above 0. Between knots the logarithm of the ratio is linear in the logarithm of the size. */
  readonly knots: readonly number[]
}

/** Half per cents: rounding costs a quarter of one at most. */
export const RATIO_UNITS = 200

/** Where a size lies among the knots of an axis: knot and fraction to the next in one number, held at the ends. */
export function axisPosition(logKnots: readonly number[], size: number): number {
  const log = Math.log(size)
  const last = logKnots.length - 1
  if (last === 0 || log <= logKnots[0]) return 0
  if (log >= logKnots[last]) return last
  let knot = 0
  while (logKnots[knot + 1] <= log) knot++
  return knot + (log - logKnots[knot]) / (logKnots[knot + 1] - logKnots[knot])
}

const read = new WeakMap<RatioTable, RatioGrid>()

/** A `RatioTable`, read. Slow: for tabulating, not for steps. */
export class RatioGrid {
  readonly #logKnots: readonly (readonly number[])[]
  readonly #logs: Float64Array
  readonly #positions: Float64Array

  constructor(table: RatioTable) {
    this.#logKnots = table.axes.map((axis) => axis.knots.map(Math.log))
    this.#positions = new Float64Array(table.axes.length)
    const units = table.rows.flatMap((row) => row.split(' ').map(Number))
    const cells = table.axes.reduce((product, axis) => product * axis.knots.length, 1)
    invariant(
      units.length === cells && units.every(Number.isInteger),
      () =>
        `a table over ${table.axes.map((axis) => axis.name).join(', ')} has ${units.length} of ${cells} knots`,
    )
    this.#logs = Float64Array.from(units, (value) => value / RATIO_UNITS)
  }

  /** That of a table which is kept; it is read once. */
  static of(table: RatioTable): RatioGrid {
    const known = read.get(table)
    if (known !== undefined) return known
    const grid = new RatioGrid(table)
    read.set(table, grid)
    return grid
  }

  /** Measured over roofline at these sizes; beyond the knots, that of the nearest. */
  at(...sizes: readonly number[]): number {
    for (let axis = 0; axis < sizes.length; axis++)
      this.#positions[axis] = axisPosition(this.#logKnots[axis], sizes[axis])
    return Math.exp(this.#interpolate(0, 0))
  }

  #interpolate(axis: number, offset: number): number {
    if (axis === this.#logKnots.length) return this.#logs[offset]
    const position = this.#positions[axis]
    const knot = Math.floor(position)
    const first = offset * this.#logKnots[axis].length + knot
    const low = this.#interpolate(axis + 1, first)
    if (position === knot) return low
    return low + (this.#interpolate(axis + 1, first + 1) - low) * (position - knot)
  }
}
