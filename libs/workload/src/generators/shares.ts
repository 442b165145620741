import { invariant, type Rng } from '@kvasir/kernel'

/** A value and how often it is drawn, relative to the others. */
export interface Weighted<Value> {
  readonly value: Value
  readonly weight: number
}

/** A share that changes: linear between points, flat before the first and after the last. */
export interface SharePoint {
  readonly atS: number
  readonly share: number
}

/** Relative, not a percentage: only the ratios of the models' shares count. */
export type Share = number | readonly SharePoint[]

/** One draw, whatever the number of values, so that adding a value leaves later draws in place. */
export function drawWeighted<Value>(values: readonly Weighted<Value>[], rng: Rng): Value | undefined {
  const left = rng.uniform() * values.reduce((sum, { weight }) => sum + weight, 0)
  let passed = 0
  for (const { value, weight } of values) {
    passed += weight
    if (left < passed) return value
  }
  return values.at(-1)?.value
}

export function checkWeights(values: readonly Weighted<unknown>[], of: string): void {
  invariant(
    values.every(({ weight }) => weight >= 0 && weight < Infinity),
    () => `a weight of ${of} is below 0`,
  )
  invariant(
    values.some(({ weight }) => weight > 0),
    () => `no weight of ${of} is above 0`,
  )
}

export function shareAt(share: Share, atS: number): number {
  if (typeof share === 'number') return share
  const after = share.findIndex((point) => point.atS > atS)
  const to = share[after]
  const from = share[(after === -1 ? share.length : after) - 1]
  if (from === undefined) return to?.share ?? 0
  if (to === undefined) return from.share
  return from.share + ((to.share - from.share) * (atS - from.atS)) / (to.atS - from.atS)
}

export function checkShare(share: Share, of: string): void {
  const points = typeof share === 'number' ? [{ atS: 0, share }] : share
  invariant(points.length > 0, () => `the share of ${of} has no points`)
  for (const [i, point] of points.entries()) {
    invariant(point.share >= 0 && point.share < Infinity, () => `share ${point.share} of ${of} is below 0`)
    const previousS = points[i - 1]?.atS ?? -Infinity
    invariant(
      point.atS >= previousS,
      () => `share point of ${of} at ${point.atS} s lies before ${previousS} s`,
    )
  }
}
