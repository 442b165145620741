import { invariant } from '@kvasir/kernel'

/**
 * Jain's fairness index (Σx)² / (n·Σx²), from 1/n (one has all) to 1 (all have the same). Nobody, or nobody with
 * anything, is fair: 1. Source: Jain, Chiu, Hawe, "A Quantitative Measure of Fairness and Discrimination" (DEC-TR-301, 1984).
 */
export function jainIndex(values: readonly number[]): number {
  let largest = 0
  for (const value of values) {
    invariant(value >= 0 && Number.isFinite(value), () => `Jain's index is of shares from 0, not ${value}`)
    largest = Math.max(largest, value)
  }
  if (largest === 0) return 1
  // The index does not change with scale; dividing by the largest keeps the squares in range.
  let sum = 0
  let squares = 0
  for (const value of values) {
    sum += value / largest
    squares += (value / largest) ** 2
  }
  return (sum * sum) / (values.length * squares)
}

export interface ServedShare {
  /** What the engine was given, in tokens. */
  readonly served: number
  /** What it was due: its exact weighted max-min share x* over the same time. 0 or less: it had no demand. */
  readonly ideal: number
}

/** Jain's index of served ÷ ideal over those that were due anything; undefined below two of them, where it says nothing. */
export function jainOfShares(shares: readonly ServedShare[]): number | undefined {
  const due = shares.filter((share) => share.ideal > 0)
  return due.length < 2 ? undefined : jainIndex(due.map((share) => share.served / share.ideal))
}
