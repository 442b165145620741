/** `coefficients . x <= bound`. */
export interface Constraint {
  readonly coefficients: readonly number[]
  readonly bound: number
}

export type Optimum =
  | { readonly kind: 'optimal'; readonly num: bigint; readonly den: bigint }
  | { readonly kind: 'infeasible' }
  | { readonly kind: 'unbounded' }

/**
 * Largest `objective . x` for x >= 0 under the constraints, exactly: two phases, Bland's rule, whole numbers over one common
 * denominator (Edmonds' integer pivoting). Slow and small on purpose: it judges other code.
 */
export function maximise(objective: readonly number[], constraints: readonly Constraint[]): Optimum {
  const variables = objective.length
  const rows = constraints.map(({ coefficients, bound }, r) => [
    ...coefficients.map(BigInt),
    ...constraints.map((_, k) => (k === r ? 1n : 0n)),
    -1n,
    BigInt(bound),
  ])
  const width = variables + constraints.length + 2
  const basis = constraints.map((_, r) => variables + r)
  const table: Table = { rows, basis, divisor: 1n, goal: new Array<bigint>(width).fill(0n) }

  const artificial = width - 2
  const lowest = rows.reduce((low, row, r) => (row[width - 1] < rows[low][width - 1] ? r : low), 0)
  if (rows.length > 0 && rows[lowest][width - 1] < 0n) {
    table.goal[artificial] = 1n
    rows[lowest] = rows[lowest].map((value) => -value)
    rows[lowest][basis[lowest]] = -1n
    pivot(table, lowest, artificial)
    climb(table, width - 1)
    if (table.goal[width - 1] !== 0n) return { kind: 'infeasible' }
    const stuck = basis.indexOf(artificial)
    if (stuck >= 0) {
      const column = rows[stuck].findIndex((value, c) => c < artificial && value !== 0n)
      if (rows[stuck][column] < 0n) rows[stuck] = rows[stuck].map((value) => -value)
      pivot(table, stuck, column)
    }
  }
  // The objective in terms of what is in the basis now.
  table.goal = table.goal.map((_, c) => (c < variables ? -BigInt(objective[c]) * table.divisor : 0n))
  basis.forEach((column, r) => {
    if (column >= variables) return
    const factor = BigInt(objective[column])
    table.goal = table.goal.map((value, c) => value + factor * rows[r][c])
  })
  return climb(table, artificial)
    ? { kind: 'optimal', num: table.goal[width - 1], den: table.divisor }
    : { kind: 'unbounded' }
}

interface Table {
  readonly rows: bigint[][]
  readonly basis: number[]
  divisor: bigint
  goal: bigint[]
}

/** False when nothing bounds it. Only the first `columns` may enter. */
function climb(table: Table, columns: number): boolean {
  for (;;) {
    const entering = table.goal.findIndex((value, c) => c < columns && value < 0n)
    if (entering < 0) return true
    let leaving = -1
    table.rows.forEach((row, r) => {
      if (row[entering] <= 0n) return
      const best = leaving < 0 ? row : table.rows[leaving]
      const last = row.length - 1
      const ahead = row[last] * best[entering] - best[last] * row[entering]
      if (leaving < 0 || ahead < 0n || (ahead === 0n && table.basis[r] < table.basis[leaving])) leaving = r
    })
    if (leaving < 0) return false
    pivot(table, leaving, entering)
  }
}

/** On an element above 0. Every column of the basis keeps the common divisor in its row. */
function pivot(table: Table, at: number, column: number): void {
  const row = table.rows[at]
  const element = row[column]
  const reduce = (other: readonly bigint[]): bigint[] => {
    const factor = other[column]
    return other.map((value, c) => (value * element - factor * row[c]) / table.divisor)
  }
  table.rows.forEach((other, r) => {
    if (r !== at) table.rows[r] = reduce(other)
  })
  table.goal = reduce(table.goal)
  table.divisor = element
  table.basis[at] = column
}
