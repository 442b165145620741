import type { Summary } from '@kvasir/contracts'
import { LOAD_WARNING, regimeOf } from '@kvasir/metrics'
import { withUnit } from './numbers.js'

/** How near saturation the groups of a run worked: what its latencies have to be read with. */
export function regimeText({ pools }: Pick<Summary, 'pools'>): string {
  const entries = Object.entries(pools)
  const loads = entries.flatMap(([, pool]) => (pool.load === null ? [] : [pool.load]))
  if (loads.length === 0) return 'too few requests to tell how near saturation'
  const [least, most] = [Math.min(...loads), Math.max(...loads)]
  const busiest = entries.find(([, pool]) => pool.load === most)
  const share = (value: number) => withUnit('share', value)
  const name = busiest?.[0] ?? ''
  const growth = busiest?.[1].queueGrowth ?? 0
  const busy = Math.max(...entries.map(([, pool]) => pool.utilisation))
  const load =
    entries.length === 1 ? `load ${share(most)}` : `loads ${share(least)} to ${share(most)} (${name})`
  const left = most < 1 ? `, ${share(1 - most)} below saturation` : ''
  return `${load}: ${regimeOf(most, growth)}${left}; busy up to ${share(busy)} of the time`
}

/** What a reader should know before believing latencies, one sentence each group above the limit. */
export function regimeWarnings({ pools }: Pick<Summary, 'pools'>): readonly string[] {
  return Object.entries(pools).flatMap(([name, { load, queueGrowth }]) => {
    if (load === null) return []
    const regime = regimeOf(load, queueGrowth)
    const at = `${name} works at ${withUnit('share', load)} of its capacity`
    if (regime === 'saturated') {
      const growth =
        queueGrowth > 0 ? ` and its queue grows by ${withUnit('share', queueGrowth)} of what arrives` : ''
      return [`${at}${growth}: it is saturated, and latencies grow with the length of the run.`]
    }
    if (load <= LOAD_WARNING) return []
    return [
      `${at}: above ${withUnit('share', LOAD_WARNING)} small errors of the capacity become large ones of latencies.`,
    ]
  })
}

/**
 * How near saturation each policy worked, by the busiest group of all seeds, for a table in which their latencies stand side by side;
 * undefined when nothing is known of any.
 */
export function regimeOfPolicies(
  policies: readonly string[],
  summaries: readonly (readonly Pick<Summary, 'pools'>[])[],
): string | undefined {
  const busiest = policies.flatMap((policy, i) => {
    const loads = summaries[i].flatMap(({ pools }) =>
      Object.values(pools).flatMap(({ load, queueGrowth }) => (load === null ? [] : [{ load, queueGrowth }])),
    )
    const [most] = loads.toSorted((a, b) => b.load - a.load)
    return most === undefined ? [] : [{ policy, ...most }]
  })
  if (busiest.length === 0) return undefined
  const texts = busiest.map(
    ({ policy, load, queueGrowth }) => `${policy} ${withUnit('share', load)}, ${regimeOf(load, queueGrowth)}`,
  )
  const warned = busiest.some(
    ({ load, queueGrowth }) => load > LOAD_WARNING || regimeOf(load, queueGrowth) === 'saturated',
  )
  const warning = warned
    ? ` Above ${withUnit('share', LOAD_WARNING)} small errors of the capacity become large ones of latencies; at saturation these grow with the length of the run.`
    : ''
  return `Load of the busiest group: ${texts.join('; ')}.${warning}`
}
