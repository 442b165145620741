import { type Micros, MICROS_PER_MILLI, MICROS_PER_SECOND } from '@kvasir/kernel'
import type { DonorShare } from './decision.js'
import type { ReclaimRequest } from './pool-view.js'

/** `b gets 40 bundles: 12 free, 4 unused of c, 24 reclaimed by priority from a (16) and d (8), which costs about 31.2 ms of work` */
export function grantSentence(
  request: ReclaimRequest,
  granted: number,
  fromFree: number,
  donors: readonly DonorShare[],
): string {
  const parts: string[] = []
  if (fromFree > 0) parts.push(`${fromFree} free`)
  for (const { engine, bundles } of donors.filter((donor) => donor.class === 'unused'))
    parts.push(`${bundles} unused of ${engine}`)
  for (const rule of ['entitlement', 'priority'] as const) {
    const shares = donors.filter((donor) => donor.class === rule)
    if (shares.length === 0) continue
    const sum = shares.reduce((total, { bundles }) => total + bundles, 0)
    parts.push(
      `${sum} reclaimed by ${rule} from ${list(shares.map(({ engine, bundles }) => `${engine} (${bundles})`))}`,
    )
  }
  const costUs = donors.reduce((total, donor) => total + donor.costUs, 0)
  const asked = granted < request.bundles ? ` of the ${request.bundles} it asked for` : ''
  const cost = costUs > 0 ? `, which costs about ${duration(costUs)} of work` : ''
  return `${request.engine} gets ${count(granted)}${asked}: ${parts.join(', ')}${cost}`
}

/** `640 us`, `31.2 ms`, `1.8 s`. */
export function duration(micros: Micros): string {
  if (micros < MICROS_PER_MILLI) return `${Math.round(micros)} us`
  if (micros < MICROS_PER_SECOND) return `${rounded(micros / MICROS_PER_MILLI, 1)} ms`
  return `${rounded(micros / MICROS_PER_SECOND, 2)} s`
}

/** Without zeros at the end: `1.8`, not `1.80`. */
function rounded(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)))
}

export function count(bundles: number): string {
  return bundles === 1 ? '1 bundle' : `${bundles} bundles`
}

/** `12 more bundles`. */
export function countMore(bundles: number): string {
  return bundles === 1 ? '1 more bundle' : `${bundles} more bundles`
}

export function list(items: readonly string[]): string {
  return items.length < 2 ? items.join() : `${items.slice(0, -1).join(', ')} and ${items[items.length - 1]}`
}
