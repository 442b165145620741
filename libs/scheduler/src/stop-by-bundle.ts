import { LazyHeap } from './lazy-heap.js'
import type { Occupancy, VictimSet } from './occupancy.js'

/**
 * Frees bundle after bundle, each time the one whose remaining holders cost the least, until `enough`. Bundles with a holder that
 * may not be stopped are out of the question.
 * O(holdings x log holdings): a stopped sequence makes each bundle it lies in cheaper once.
 */
export function stopByBundle(occupancy: Occupancy, set: VictimSet, enough: () => boolean): void {
  const { slots, costs, starts, items, holders } = occupancy
  const left = new Float64Array(holders.length)
  const candidates = new Int32Array(holders.length)
  for (let c = 0; c < slots.length; c++) {
    for (let j = starts[c]; j < starts[c + 1]; j++) {
      left[items[j]] += costs[c]
      candidates[items[j]]++
    }
  }
  const members = membersByBundle(occupancy, candidates)
  if (items.length > DYNAMIC_HOLDINGS_MAX) {
    stopInFixedOrder(occupancy, set, { left, candidates, members }, enough)
    return
  }
  const heap = new LazyHeap()
  for (let bundle = 0; bundle < holders.length; bundle++) {
    if (holders[bundle] > 0 && candidates[bundle] === holders[bundle]) heap.push(left[bundle], bundle)
  }
  const freed = new Uint8Array(holders.length)
  while (!enough() && heap.pop()) {
    const bundle = heap.item
    if (freed[bundle] === 1 || heap.key > left[bundle]) continue
    freed[bundle] = 1
    for (let m = members.starts[bundle]; m < members.starts[bundle + 1]; m++) {
      const candidate = members.items[m]
      if (set.chosen[candidate]) continue
      set.add(candidate)
      for (let j = starts[candidate]; j < starts[candidate + 1]; j++) {
        const other = items[j]
        left[other] -= costs[candidate]
        if (freed[other] === 0 && candidates[other] === holders[other]) heap.push(left[other], other)
      }
    }
  }
}

/** Above so many holdings the order of bundles is not kept up to date: it would cost a heap operation for each. */
const DYNAMIC_HOLDINGS_MAX = 512

/** The same with the order of bundles as it was before anybody was stopped. O(holdings + bundles x log bundles). */
function stopInFixedOrder(
  { holders }: Occupancy,
  set: VictimSet,
  bundles: { readonly left: Float64Array; readonly candidates: Int32Array; readonly members: Members },
  enough: () => boolean,
): void {
  const { left, candidates, members } = bundles
  const order: number[] = []
  for (let b = 0; b < holders.length; b++) if (holders[b] > 0 && candidates[b] === holders[b]) order.push(b)
  order.sort((a, b) => left[a] - left[b] || a - b)
  for (const bundle of order) {
    if (enough()) return
    for (let m = members.starts[bundle]; m < members.starts[bundle + 1]; m++) {
      const candidate = members.items[m]
      if (!set.chosen[candidate]) set.add(candidate)
    }
  }
}

interface Members {
  readonly starts: Int32Array
  readonly items: Int32Array
}

/** The candidates that lie in each bundle. */
function membersByBundle({ slots, starts, items, holders }: Occupancy, candidates: Int32Array): Members {
  const bundleStarts = new Int32Array(holders.length + 1)
  for (let b = 0; b < holders.length; b++) bundleStarts[b + 1] = bundleStarts[b] + candidates[b]
  const fill = bundleStarts.slice()
  const members = new Int32Array(items.length)
  for (let c = 0; c < slots.length; c++) {
    for (let j = starts[c]; j < starts[c + 1]; j++) members[fill[items[j]]++] = c
  }
  return { starts: bundleStarts, items: members }
}
