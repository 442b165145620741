/** Times of one thing, ms. */
export interface Times {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly most: number
}

/** @param times in any order, ms. */
export function timesOf(times: readonly number[]): Times {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), most: at(1) }
}

/** Milliseconds from now until `work` is done. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}
