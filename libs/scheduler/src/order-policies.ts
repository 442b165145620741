import { compareIds, type Micros, type Tokens } from '@kvasir/kernel'
import type { SwapSpace } from '@kvasir/kv-cache'
import type { SchedulerConfig, SequenceCosts } from './config.js'
import { FairQueue } from './fair-queue.js'
import { FifoQueue } from './fifo-queue.js'
import { HeapQueue, type Key } from './heap-queue.js'
import type { Before } from './indexed-heap.js'
import type { OutputPredictor } from './output-predictor.js'
import type { SequenceStore } from './sequence-store.js'
import type { WaitingQueue } from './waiting-queue.js'

/**
 * Which waiting sequence is admitted next. The head is never skipped: what does not fit holds up what is behind it.
 *
 * | order | key, smallest first | its unit |
 * |---|---|---|
 * | `fcfs` | order of submission; what was preempted comes back to the front (recorded) | |
 * | `priority` | -priority (recorded) | levels |
 * | `weighted-fifo` | -weight | weight |
 * | `srpt` | expected remaining service time, from the cost model and a predicted output length | us |
 * | `wsrpt` | expected remaining service time / weight | us per weight |
 * | `edf` | deadline of the first token | us |
 * | `fair` | service received by the tenant / its weight, see `fair-queue.ts` | |
 *
 * Ties: arrival, then id. A preempted sequence keeps its arrival, whatever its order.
 *
 * Aging: a key improves by `agingPerUs` for every microsecond since arrival. All age alike, so this amounts to a constant
 * `agingPerUs * arrivalUs` in the key, and nothing moves while it waits. Hence the starvation bound, with or without preemption:
 * while a sequence waits under the key `k` since it arrived at `t`, nothing that arrived after `t + (k - k') / agingPerUs` is admitted
 * before it or displaces it, where `k'` is the key of the other. Once that time is over for the best key there is, what is ahead of
 * it only shrinks: it waits until then, and for the service of what arrived until then. (Memory is another matter: a sequence that
 * runs may still be stopped for blocks, by the victim policy.)
 *
 * `edf` needs no aging among sequences with deadlines; one without is taken as due `1 / agingPerUs` after its arrival. `fcfs` and
 * `fair` need none. With `agingPerUs` 0 there is no bound, and no promise: whoever has the worst key may wait for ever.
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

/**
 * Aging that a scenario gets when it does not say, per second of waiting: a minute makes up for one level of priority or one
 * unit of weight, and for six seconds of service; without a deadline a sequence counts as due after a minute. Chosen by us: long
 * beside a request's life, short beside a person's patience with a stuck one.
 */
export const defaultAgingPerS: { readonly [order in OrderPolicy]: number } = {
  fcfs: 0,
  priority: 1 / 60,
  'weighted-fifo': 1 / 60,
  srpt: 100_000,
  wsrpt: 100_000,
  edf: 1 / 60,
  fair: 0,
}

/** Why running sequences cannot be displaced in an order, or undefined when they can. */
export function whyNotPreemptive(order: OrderPolicy): string | undefined {
  switch (order) {
    case 'fcfs':
      return 'order fcfs cannot be preemptive: what runs came before what waits, so there is nobody to displace'
    case 'fair':
      return 'order fair cannot be preemptive: tenants overtake each other with every token, so they would displace each other without end'
    default:
      return undefined
  }
}

/** What an order may look at. */
export interface OrderContext {
  readonly config: SchedulerConfig
  readonly store: SequenceStore
  readonly costs: SequenceCosts
  readonly predictor: OutputPredictor
  readonly swap: SwapSpace
  readonly blockSize: Tokens
}

export function makeWaitingQueue(context: OrderContext): WaitingQueue {
  const { config, store } = context
  const byArrival = arrivesBefore(store)
  switch (config.order) {
    case 'fcfs':
      return new FifoQueue(byArrival)
    case 'fair':
      return new FairQueue(store, byArrival)
    default:
      return new HeapQueue(keys[config.order](context), byArrival)
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

function arrivesBefore(store: SequenceStore): Before {
  return (a, b) => {
    const difference = store.arrivalUs[a] - store.arrivalUs[b]
    return difference !== 0 ? difference < 0 : compareIds(store.input(a).id, store.input(b).id) < 0
  }
}

function weight({ store }: OrderContext, slot: number): number {
  return store.input(slot).weight ?? 1
}

/**
 * Time to bring back what lies in host memory, to compute what is nowhere (cache hits are not foreseen), and to put out what is
 * expected still. An output that outlives its estimate counts as ending.
 */
export function remainingUs(context: OrderContext, slot: number): Micros {
  const { store, costs, predictor } = context
  const outputs = store.tokens[slot] - store.promptTokens[slot]
  const left = Math.max(1, predictor.predict(store.input(slot), outputs) - outputs)
  return pendingUs(context, slot) + (costs.outputUs?.(left) ?? left * costs.recomputeUs(1))
}

function pendingUs({ store, costs, swap, blockSize }: OrderContext, slot: number): Micros {
  const computed = store.computed[slot]
  const swapped = computed === 0 ? swap.tokens(slot) : 0
  const pending = store.tokens[slot] - Math.max(computed, swapped)
  // In takes half of out and in.
  const copyUs = swapped === 0 ? 0 : costs.swapUs(Math.ceil(swapped / blockSize)) / 2
  return copyUs + (pending === 0 ? 0 : costs.recomputeUs(pending))
}
