import { compareIds } from '@kvasir/kernel'
import type { SchedulerConfig, SequenceCosts } from './config.js'
import { FairQueue } from './fair-queue.js'
import { FifoQueue } from './fifo-queue.js'
import { type Before, HeapQueue } from './heap-queue.js'
import type { SequenceStore } from './sequence-store.js'
import type { WaitingQueue } from './waiting-queue.js'

/**
 * Which waiting sequence is admitted next. The head is never skipped: what does not fit holds up what is behind it.
 *
 * | order | key, smallest first |
 * |---|---|
 * | `fcfs` | order of submission; what was preempted comes back to the front (recorded) |
 * | `priority` | -priority (recorded) |
 * | `weighted-fifo` | -weight |
 * | `srpt` | expected remaining service time |
 * | `wsrpt` | expected remaining service time / weight |
 * | `edf` | deadline of the first token |
 * | `fair` | service received by the tenant / its weight (virtual token counters, arXiv 2401.00588) |
 *
 * Ties: arrival, then id. A preempted sequence keeps its arrival.
 *
 * Aging: a key improves by `agingPerUs` for every microsecond of waiting. All that wait age alike, so this amounts to a constant
 * `agingPerUs * arrivalUs` in the key, and nothing moves while it waits. Hence the starvation bound: a sequence with key `k` that
 * arrived at `t` is only ever passed by sequences with key `k'` that arrived before `t + (k - k') / agingPerUs`. `edf` needs none
 * among sequences with deadlines; one without is treated as due `1 / agingPerUs` after its arrival. `fcfs` and `fair` need none.
 */
export type OrderPolicy = 'fcfs' | 'priority' | 'weighted-fifo' | 'srpt' | 'wsrpt' | 'edf' | 'fair'

export const orderPolicies: readonly OrderPolicy[] = [
  'fcfs',
  'priority',
  'weighted-fifo',
  'srpt',
  'wsrpt',
  'edf',
  'fair',
]

/** What an order may look at. */
export interface OrderContext {
  readonly config: SchedulerConfig
  readonly store: SequenceStore
  readonly costs: SequenceCosts
}

type Key = (slot: number) => number

export function makeWaitingQueue(context: OrderContext): WaitingQueue {
  const { config, store } = context
  switch (config.order) {
    case 'fcfs':
      return new FifoQueue(byKey(context, () => 0))
    case 'fair':
      return new FairQueue(
        store,
        byKey(context, () => 0),
      )
    default:
      return new HeapQueue(byKey(context, keys[config.order](context)))
  }
}

const keys: { readonly [order in Exclude<OrderPolicy, 'fcfs' | 'fair'>]: (context: OrderContext) => Key } = {
  priority: (context) => aged(context, (slot) => -context.store.priority[slot]),
  'weighted-fifo': (context) => aged(context, (slot) => -weight(context, slot)),
  srpt: (context) => aged(context, (slot) => remainingUs(context, slot)),
  wsrpt: (context) => aged(context, (slot) => remainingUs(context, slot) / weight(context, slot)),
  edf: ({ config, store }) => {
    const patienceUs = config.agingPerUs > 0 ? 1 / config.agingPerUs : Infinity
    return (slot) => store.input(slot).deadlineUs ?? store.arrivalUs[slot] + patienceUs
  },
}

function aged({ config, store }: OrderContext, key: Key): Key {
  const { agingPerUs } = config
  return agingPerUs === 0 ? key : (slot) => key(slot) + agingPerUs * store.arrivalUs[slot]
}

function byKey({ store }: OrderContext, key: Key): Before {
  return (a, b) => {
    const keyA = key(a)
    const keyB = key(b)
    if (keyA !== keyB) return keyA < keyB
    const arrivalA = store.arrivalUs[a]
    const arrivalB = store.arrivalUs[b]
    if (arrivalA !== arrivalB) return arrivalA < arrivalB
    return compareIds(store.input(a).id, store.input(b).id) < 0
  }
}

function weight({ store }: OrderContext, slot: number): number {
  return store.input(slot).weight ?? 1
}

/** Time to compute what is not, and to put out what is expected still; an output that outlives its estimate counts as ending. */
export function remainingUs({ store, costs }: OrderContext, slot: number): number {
  const { expectedOutputTokens, maxOutputTokens } = store.input(slot)
  const outputs = store.tokens[slot] - store.promptTokens[slot]
  const left = Math.max(1, (expectedOutputTokens ?? maxOutputTokens) - outputs)
  const pending = costs.recomputeUs(store.tokens[slot] - store.computed[slot])
  return pending + (costs.outputUs?.(left) ?? left * costs.recomputeUs(1))
}
