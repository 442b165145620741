/** How far predictions are from a measured set. Errors are predicted over measured, less one. */
export interface Accuracy {
  readonly points: number
  /** Mean absolute error. */
  readonly mape: number
  /** Half of the absolute errors are at most this. */
  readonly median: number
  readonly bias: number
  /** Nine in ten absolute errors are at most this. */
  readonly p90: number
  readonly worst: { readonly error: number; readonly at: string }
}

export interface Prediction {
  readonly measuredUs: number
  readonly predictedUs: number
  /** Names the point where it turns out to be the worst. */
  readonly at: () => string
}

export function accuracyOf(predictions: readonly Prediction[]): Accuracy {
  const errors = predictions.map(({ measuredUs, predictedUs }) => predictedUs / measuredUs - 1)
  const absolute = Float64Array.from(errors, Math.abs).sort()
  const worst = errors.reduce((at, error, i) => (Math.abs(error) > Math.abs(errors[at]) ? i : at), 0)
  const sum = (values: Iterable<number>) => {
    let total = 0
    for (const value of values) total += value
    return total
  }
  return {
    points: errors.length,
    mape: sum(absolute) / errors.length,
    median: absolute[errors.length >> 1],
    bias: sum(errors) / errors.length,
    p90: absolute[Math.min(errors.length - 1, Math.floor(0.9 * errors.length))],
    worst: { error: errors[worst], at: predictions[worst].at() },
  }
}
