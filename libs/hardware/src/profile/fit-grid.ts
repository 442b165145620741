import { invariant } from '@kvasir/kernel'
import { axisPosition, RATIO_UNITS, type RatioAxis, type RatioTable } from './ratio-grid.js'

/** One measurement: the sizes of its axes and what was measured over what the roofline says. */
export interface RatioPoint {
  readonly sizes: readonly number[]
  readonly ratio: number
}

/** How much a difference between neighbouring knots weighs beside one measurement: enough to fill knots nobody measured. */
const SMOOTHNESS = 0.003
const ITERATIONS_MAX = 600
const RESIDUAL_ENOUGH = 1e-9

/**
 * Knots by least squares on the logarithm of the ratio, with a little smoothness, which also fills what was not measured.
 * Conjugate gradients on the normal equations; the same points in the same order give the same table.
 */
export function fitRatioTable(axes: readonly RatioAxis[], points: readonly RatioPoint[]): RatioTable {
  invariant(points.length > 0, () => `no points for a table over ${axes.map((axis) => axis.name).join(', ')}`)
  const problem = new GridProblem(axes, points)
  const logs = conjugateGradients(problem)
  const width = axes[axes.length - 1].knots.length
  const rows: string[] = []
  for (let start = 0; start < logs.length; start += width) {
    const row = Array.from(logs.subarray(start, start + width), (log) => Math.round(log * RATIO_UNITS) + 0)
    rows.push(row.join(' '))
  }
  return { axes, rows }
}

/** The normal equations of a fit, as what they do to a vector. */
class GridProblem {
  readonly unknowns: number
  readonly #corners: number
  readonly #cells: Int32Array
  readonly #weights: Float64Array
  readonly #logs: Float64Array
  readonly #neighbours: Int32Array

  constructor(axes: readonly RatioAxis[], points: readonly RatioPoint[]) {
    const logKnots = axes.map((axis) => axis.knots.map(Math.log))
    this.unknowns = axes.reduce((product, axis) => product * axis.knots.length, 1)
    this.#corners = 1 << axes.length
    this.#cells = new Int32Array(points.length * this.#corners)
    this.#weights = new Float64Array(points.length * this.#corners)
    this.#logs = Float64Array.from(points, (point) => Math.log(point.ratio))
    for (const [index, point] of points.entries()) this.#place(index, point.sizes, logKnots)
    this.#neighbours = neighbourPairs(axes.map((axis) => axis.knots.length))
  }

  /** Each corner of the cell a point lies in, with its share of the point's value. */
  #place(index: number, sizes: readonly number[], logKnots: readonly (readonly number[])[]): void {
    const positions = logKnots.map((knots, axis) => axisPosition(knots, sizes[axis]))
    for (let corner = 0; corner < this.#corners; corner++) {
      let cell = 0
      let weight = 1
      for (const [axis, knots] of logKnots.entries()) {
        const low = Math.min(Math.floor(positions[axis]), Math.max(0, knots.length - 2))
        const fraction = positions[axis] - low
        const upper = (corner >> axis) & 1
        weight *= upper === 1 ? fraction : 1 - fraction
        cell = cell * knots.length + Math.min(low + upper, knots.length - 1)
      }
      this.#cells[index * this.#corners + corner] = cell
      this.#weights[index * this.#corners + corner] = weight
    }
  }

  rightSide(): Float64Array {
    const result = new Float64Array(this.unknowns)
    for (let i = 0; i < this.#cells.length; i++) {
      result[this.#cells[i]] += this.#weights[i] * this.#logs[Math.floor(i / this.#corners)]
    }
    return result
  }

  multiply(vector: Float64Array): Float64Array {
    const result = new Float64Array(this.unknowns)
    for (let first = 0; first < this.#cells.length; first += this.#corners) {
      let value = 0
      for (let i = first; i < first + this.#corners; i++) value += this.#weights[i] * vector[this.#cells[i]]
      for (let i = first; i < first + this.#corners; i++) result[this.#cells[i]] += this.#weights[i] * value
    }
    for (let i = 0; i < this.#neighbours.length; i += 2) {
      const [a, b] = [this.#neighbours[i], this.#neighbours[i + 1]]
      const pull = SMOOTHNESS * (vector[a] - vector[b])
      result[a] += pull
      result[b] -= pull
    }
    return result
  }
}

/** Every pair of cells that are next to each other along one axis. */
function neighbourPairs(lengths: readonly number[]): Int32Array {
  const pairs: number[] = []
  const cells = lengths.reduce((product, length) => product * length, 1)
  let stride = cells
  for (const length of lengths) {
    stride /= length
    for (let cell = 0; cell < cells; cell++) {
      if (Math.floor(cell / stride) % length < length - 1) pairs.push(cell, cell + stride)
    }
  }
  return Int32Array.from(pairs)
}

function conjugateGradients(problem: GridProblem): Float64Array {
  const solution = new Float64Array(problem.unknowns)
  const residual = problem.rightSide()
  const direction = residual.slice()
  let square = dot(residual, residual)
  const enough = square * RESIDUAL_ENOUGH
  for (let iteration = 0; iteration < ITERATIONS_MAX && square > enough; iteration++) {
    const product = problem.multiply(direction)
    const length = square / dot(direction, product)
    for (let i = 0; i < solution.length; i++) {
      solution[i] += length * direction[i]
      residual[i] -= length * product[i]
    }
    const next = dot(residual, residual)
    for (let i = 0; i < direction.length; i++) direction[i] = residual[i] + (next / square) * direction[i]
    square = next
  }
  return solution
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}
