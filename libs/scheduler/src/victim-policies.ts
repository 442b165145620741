import type { Blocks } from '@kvasir/kernel'
import type { Lifecycle } from './lifecycle.js'
import { remainingUs } from './order-policies.js'
import { returnCostUs } from './return-cost.js'

/**
 * Which running sequence is stopped when another, the beneficiary, needs a block and none is free.
 *
 * - `latest`: the one admitted last (recorded, with order `fcfs`).
 * - `lowest-priority`: the least urgent, among equals the latest arrival, among equals the first in the running list
 *   (recorded, with order `priority`). It may be one that this step has scheduled already: that is taken back.
 * - `least-waste`: the one whose return costs least for what stopping it gives: blocks that come free, for as long as it would
 *   have kept them. So one that is about to finish, and would free them by itself, is spared.
 *
 * A victim never outranks the beneficiary: `latest` and `least-waste` pass over sequences of higher priority, `lowest-priority`
 * finds the beneficiary before them. The recorded `latest` looks at no priority; `victimsMayOutrank` reproduces that.
 *
 * Somebody always gets on: `latest` and `least-waste` spare what was admitted before the beneficiary, and the one admitted first
 * gives way only where all the others outrank it. Without that, two sequences could stop each other for ever.
 */
export type VictimPolicy = 'latest' | 'lowest-priority' | 'least-waste'

/** Answers an index into the running list; `beneficiary`, an index too, means that it must give way itself. */
export type ChooseVictim = (life: Lifecycle, beneficiary: number) => number

export const chooseVictim: { readonly [policy in VictimPolicy]: ChooseVictim } = {
  latest: (life, beneficiary) => {
    const { running } = life
    let last = life.runningCount - 1
    while (last > beneficiary && !mayStop(life, running[last], running[beneficiary])) last--
    return last
  },

  'lowest-priority': ({ store: { priority, arrivalUs }, running, runningCount }) => {
    let worst = 0
    for (let i = 1; i < runningCount; i++) {
      const difference = priority[running[i]] - priority[running[worst]]
      if (difference < 0 || (difference === 0 && arrivalUs[running[i]] > arrivalUs[running[worst]])) worst = i
    }
    return worst
  },

  'least-waste': (life, beneficiary) => {
    const { running, runningCount } = life
    let best = beneficiary
    let least = beneficiary === 0 ? Infinity : wasteOf(life, running[beneficiary])
    for (let i = beneficiary + 1; i < runningCount; i++) {
      if (!mayStop(life, running[i], running[beneficiary])) continue
      const waste = wasteOf(life, running[i])
      if (waste <= least) {
        best = i
        least = waste
      }
    }
    return best
  },
}

/** Whether `victim` may be stopped for `beneficiary`, both slots: never when it is of higher priority. */
export function mayStop(
  { config, store: { priority } }: Lifecycle,
  victim: number,
  beneficiary: number,
): boolean {
  return config.victimsMayOutrank || priority[victim] <= priority[beneficiary]
}

/** Time to bring a sequence back, per block that stopping it frees and time for which it would have kept it. */
function wasteOf(life: Lifecycle, slot: number): number {
  const freed = blocksFreed(life, slot)
  return freed === 0 ? Infinity : returnCostUs(life, slot) / (freed * remainingUs(life, slot))
}

/** Blocks behind those that the sequence shares with others: what is shared is so from the beginning. */
function blocksFreed({ tables, pool }: Lifecycle, slot: number): Blocks {
  const length = tables.length(slot)
  if (!pool.prefixCaching) return length
  let own = length
  while (own > 0 && pool.references(tables.at(slot, own - 1)) === 1) own--
  return length - own
}
