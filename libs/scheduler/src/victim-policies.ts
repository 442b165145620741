import type { BlockTables } from '@kvasir/kv-cache'
import type { SequenceCosts } from './config.js'
import type { SequenceStore } from './sequence-store.js'

/**
 * Which running sequence is stopped when another needs a block and none is free.
 *
 * - `latest`: the one admitted last (recorded, with order `fcfs`).
 * - `lowest-priority`: the least urgent, among equals the latest arrival, among equals the first in the running list
 *   (recorded, with order `priority`). It may be one that this step has scheduled already: that is taken back.
 * - `least-waste`: the least cost of bringing it back per block it gives up, among those admitted after the beneficiary and not of
 *   higher priority. Those admitted before are spared, so that the one admitted first always gets on: without that, two
 *   sequences could stop each other for ever.
 */
export type VictimPolicy = 'latest' | 'lowest-priority' | 'least-waste'

export interface VictimContext {
  readonly store: SequenceStore
  readonly tables: BlockTables
  readonly costs: SequenceCosts
}

/** Answers an index into `running`; `beneficiary` itself means that it must give way. */
export type ChooseVictim = (
  context: VictimContext,
  running: Int32Array,
  count: number,
  beneficiary: number,
) => number

export const chooseVictim: { readonly [policy in VictimPolicy]: ChooseVictim } = {
  latest: (_context, _running, count) => count - 1,

  'lowest-priority': ({ store: { priority, arrivalUs } }, running, count) => {
    let worst = 0
    for (let i = 1; i < count; i++) {
      const difference = priority[running[i]] - priority[running[worst]]
      if (difference < 0 || (difference === 0 && arrivalUs[running[i]] > arrivalUs[running[worst]])) worst = i
    }
    return worst
  },

  'least-waste': (context, running, count, beneficiary) => {
    const { priority } = context.store
    let best = beneficiary
    let least = Infinity
    for (let i = beneficiary + 1; i < count; i++) {
      const slot = running[i]
      if (priority[slot] > priority[running[beneficiary]]) continue
      const waste = returnCostUs(context, slot) / context.tables.length(slot)
      if (waste <= least) {
        best = i
        least = waste
      }
    }
    return best
  },
}

/** What it costs to bring a running sequence back after stopping it now. */
export function returnCostUs({ store, tables, costs }: VictimContext, slot: number): number {
  return Math.min(costs.recomputeUs(store.computed[slot]), costs.swapUs(tables.length(slot)))
}
