import { type Micros, MICROS_PER_SECOND } from '@kvasir/kernel'

/** Requests are counted by the quarter second in which they end. */
export const BUCKET_US: Micros = 250_000
const PER_SECOND = MICROS_PER_SECOND / BUCKET_US
const BEFORE = 20 * PER_SECOND
const WINDOW = 5 * PER_SECOND
/** A fault that has not shown by then does not show. */
const HORIZON = 30 * PER_SECOND
const BACK = 0.95

export interface GoodputDip {
  /** Until it was back; 0 when it never fell, null when it did not come back, or nothing was known of before. */
  readonly backUs: Micros | null
  /** Good requests missing in the time after; null when the run ended sooner. */
  readonly deficit: number | null
}

/**
 * What became of goodput at a moment. `good` counts the requests that met their SLOs by bucket; of the last bucket before `endUs` all
 * is known.
 */
export function goodputDip(good: readonly number[], atUs: Micros, endUs: Micros): GoodputDip {
  const at = Math.floor(atUs / BUCKET_US)
  const end = Math.floor(endUs / BUCKET_US)
  const known = Math.min(BEFORE, at)
  const before = sum(good, at - known, at) / known
  if (known < WINDOW || before === 0) return { backUs: null, deficit: null }
  const deficit = at + HORIZON <= end ? before * HORIZON - sum(good, at, at + HORIZON) : null
  return { backUs: backAfter(good, { at, end, least: BACK * before * WINDOW }), deficit }
}

/** @param least good requests of a window that is as it was. */
function backAfter(
  good: readonly number[],
  { at, end, least }: { readonly at: number; readonly end: number; readonly least: number },
): Micros | null {
  let window = sum(good, at - WINDOW, at)
  let fell = false
  for (let bucket = at; bucket < end && (fell || bucket < at + HORIZON); bucket++) {
    window += (good[bucket] ?? 0) - (good[bucket - WINDOW] ?? 0)
    if (window < least) fell = true
    else if (fell) return (bucket + 1 - at) * BUCKET_US
  }
  return fell ? null : 0
}

function sum(good: readonly number[], from: number, to: number): number {
  let total = 0
  for (let bucket = from; bucket < to; bucket++) total += good[bucket] ?? 0
  return total
}
