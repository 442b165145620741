/**
 * An answer to a scenario: what was asked for, or every reason why it cannot be, as sentences that name field and
 * value.
 */
export type Planning<T> =
  | { readonly kind: 'planned'; readonly value: T }
  | { readonly kind: 'refused'; readonly problems: readonly string[] }

export function planned<T>(value: T): Planning<T> {
  return { kind: 'planned', value }
}

export function refused(...problems: readonly string[]): {
  readonly kind: 'refused'
  readonly problems: readonly string[]
} {
  return { kind: 'refused', problems }
}

/** All values, or all the problems together: people should not have to find their mistakes one by one. */
export function allPlanned<T>(plannings: readonly Planning<T>[]): Planning<readonly T[]> {
  const problems = plannings.flatMap((planning) => (planning.kind === 'refused' ? planning.problems : []))
  if (problems.length > 0) return refused(...problems)
  return planned(plannings.flatMap((planning) => (planning.kind === 'planned' ? [planning.value] : [])))
}
