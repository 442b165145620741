import type { Rng } from '@kvasir/kernel'
import type { ChoiceInput, DonorClass, SupplyOption } from '../donor-class.js'

/** One group of running sequences that go together. */
interface Group {
  readonly priority: number
  readonly bundles: number
  readonly cost: number
}

/**
 * A random preemption in the shape the design's bars were measured on (reference/coordination.md §5.7): 2, 4 or 8 donors with 1 to 20
 * groups each, log-normal lengths, priorities 0 to 9, cost = min(recompute, swap both ways) + remaining work. Costs are in
 * microseconds, from the anchors of §5.3: 8B model, 128 KiB of KV a token, 8 MiB bundles.
 */
export interface PreemptionInstance {
  readonly needed: number
  readonly priority: number
  readonly donors: readonly { readonly id: string; readonly groups: readonly Group[] }[]
}

/** Work has priorities 0 to 9. */
export const PRIORITIES = 10

export function randomPreemption(rng: Rng): PreemptionInstance {
  const donors = Array.from({ length: 2 ** (1 + rng.int(3)) }, (_, d) => ({
    id: `donor-${d}`,
    groups: Array.from({ length: 1 + rng.int(20) }, () => randomGroup(rng)),
  }))
  const priority = 1 + rng.int(9)
  return {
    needed: 1 + rng.int(Math.max(1, Math.ceil(0.6 * eligibleBundles({ donors, priority })))),
    priority,
    donors,
  }
}

function randomGroup(rng: Rng): Group {
  const tokens = Math.max(16, Math.min(131_072, Math.round(2_048 * Math.exp(1.2 * rng.normal()))))
  const recompute = 33 * tokens + 0.0018 * tokens * tokens
  const swap = 5.24 * tokens
  const remaining = 150 * Math.round(200 * rng.exponential())
  return {
    priority: rng.int(PRIORITIES),
    bundles: Math.ceil(tokens / 64),
    cost: Math.round(Math.min(recompute, swap) + remaining),
  }
}

export function eligibleBundles(instance: Pick<PreemptionInstance, 'donors' | 'priority'>): number {
  let sum = 0
  for (const { groups } of instance.donors)
    for (const { priority, bundles } of groups) if (priority < instance.priority) sum += bundles
  return sum
}

/** Groups that can be freed only whole: a class of one point each. */
export function asGroups(instance: PreemptionInstance): ChoiceInput {
  const classes: DonorClass[] = instance.donors.flatMap(({ id, groups }) =>
    groups
      .filter(({ priority }) => priority < instance.priority)
      .map(({ priority, bundles, cost }) => ({ donor: id, priority, points: [{ bundles, cost }] })),
  )
  return { needed: instance.needed, classes }
}

/** The same groups as supply curves of up to 16 points a donor and priority, cheapest groups first. */
export function asCurves(instance: PreemptionInstance): ChoiceInput {
  const classes: DonorClass[] = []
  for (const { id, groups } of instance.donors)
    for (let level = 0; level < instance.priority; level++) {
      const mine = groups
        .filter(({ priority }) => priority === level)
        .sort((a, b) => a.cost / a.bundles - b.cost / b.bundles)
      const points: SupplyOption[] = []
      for (const { bundles, cost } of mine.slice(0, 16)) {
        const last = points[points.length - 1] ?? { bundles: 0, cost: 0 }
        points.push({ bundles: last.bundles + bundles, cost: last.cost + cost })
      }
      if (points.length > 0) classes.push({ donor: id, priority: level, points })
    }
  return { needed: instance.needed, classes }
}
