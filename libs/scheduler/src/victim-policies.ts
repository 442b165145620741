import type { Lifecycle } from './lifecycle.js'

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

/** Answers an index into the running list; `beneficiary`, an index too, means that it must give way itself. */
export type ChooseVictim = (life: Lifecycle, beneficiary: number) => number

export const chooseVictim: { readonly [policy in VictimPolicy]: ChooseVictim } = {
  latest: (life) => life.runningCount - 1,

  'lowest-priority': ({ store: { priority, arrivalUs }, running, runningCount }) => {
    let worst = 0
    for (let i = 1; i < runningCount; i++) {
      const difference = priority[running[i]] - priority[running[worst]]
      if (difference < 0 || (difference === 0 && arrivalUs[running[i]] > arrivalUs[running[worst]])) worst = i
    }
    return worst
  },

  'least-waste': (life, beneficiary) => {
    const { running, runningCount, tables } = life
    const { priority } = life.store
    let best = beneficiary
    let least = Infinity
    for (let i = beneficiary + 1; i < runningCount; i++) {
      const slot = running[i]
      if (priority[slot] > priority[running[beneficiary]]) continue
      const waste = returnCostUs(life, slot) / tables.length(slot)
      if (waste <= least) {
        best = i
        least = waste
      }
    }
    return best
  },
}

/** What it costs to bring a running sequence back after stopping it now. */
export function returnCostUs({ store, tables, costs }: Lifecycle, slot: number): number {
  return Math.min(costs.recomputeUs(store.computed[slot]), costs.swapUs(tables.length(slot)))
}
