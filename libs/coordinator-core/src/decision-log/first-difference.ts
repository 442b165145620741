/** Where two values of JSON differ first, in the order of the expected one. */
export interface Difference {
  /** `answer.shares[2][0]`. */
  readonly field: string
  /** Undefined: one of them has no such field. */
  readonly expected: unknown
  readonly actual: unknown
}

/** Undefined: they are equal, with the same order of members. */
export function firstDifference(expected: unknown, actual: unknown, field = ''): Difference | undefined {
  if (Object.is(expected, actual)) return undefined
  if (Array.isArray(expected) && Array.isArray(actual)) {
    for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
      const found = firstDifference(expected[i], actual[i], `${field}[${i}]`)
      if (found) return found
    }
    return undefined
  }
  if (!isObject(expected) || !isObject(actual)) return { field, expected, actual }
  const [left, right] = [Object.entries(expected), Object.entries(actual)]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const key = (left[i] ?? right[i])[0]
    const path = field === '' ? key : `${field}.${key}`
    if (left[i]?.[0] !== right[i]?.[0])
      return { field: path, expected: left[i]?.[1], actual: new Map(right).get(key) }
    const found = firstDifference(left[i][1], right[i][1], path)
    if (found) return found
  }
  return undefined
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
