import { invariant } from '@kvasir/kernel'
import { metricsOf } from '../metrics.js'
import type { ExperimentPlan } from '../plan/plan-experiment.js'
import { estimateCells } from './cell-estimates.js'
import type { RunResult } from './observations.js'

/**
 * Seeds to run next: none when there is no rule, when every cell is sharp enough, or when there are as many as allowed. All cells
 * get the same seeds, so that comparisons stay paired. It depends on results alone: resumed or not, the same seeds are run.
 */
export function nextSeeds(
  plan: ExperimentPlan,
  seeds: readonly number[],
  results: readonly RunResult[],
): readonly number[] {
  const { stop } = plan.spec
  if (stop === undefined || seeds.length >= stop.seedsMax || isSharp(plan, results)) return []
  const first = Math.max(...seeds) + 1
  const count = Math.min(stop.step, stop.seedsMax - seeds.length)
  return Array.from({ length: count }, (_, i) => first + i)
}

/** Whether the deciding metric's interval is narrow enough in every cell that has the metric at all. */
function isSharp({ spec }: ExperimentPlan, results: readonly RunResult[]): boolean {
  const { stop } = spec
  invariant(stop !== undefined, () => `${spec.name} has a stopping rule`)
  const metrics = metricsOf(spec.metrics)
  const metric = metrics.find(({ name }) => name === stop.metric) ?? metrics[0]
  return estimateCells(results, [metric]).every(
    ({ mean, interval }) => interval !== null && interval.high - interval.low <= stop.within * Math.abs(mean),
  )
}
