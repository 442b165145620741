import type { GoalSpec, SearchSpec, Summary } from '@kvasir/contracts'
import { numbersOf } from '../metrics.js'
import { meanInterval } from '../statistics/bootstrap.js'
import { meanOf } from '../analysis/observations.js'

/** How runs of one setting stand to one goal. */
export interface GoalResult {
  readonly meets: boolean
  /** Mean over the seeds of what the goal is about, of several such numbers the worst; null when no run has it. */
  readonly mean: number | null
  /** Of the seed that is furthest from it. */
  readonly worst: number | null
}

/** @param seeds what the runs came to, the repetitions of a seed together. */
export function judgeGoal(
  goal: GoalSpec,
  by: SearchSpec['by'],
  seeds: readonly (readonly Summary[])[],
): GoalResult {
  const reach = reachOf(goal)
  const values = seeds.map((repetitions) => seedValue(goal, repetitions))
  const known = values.filter((value) => value !== null)
  if (known.length === 0) return { meets: false, mean: null, worst: null }
  const worst = reach.worstOf(known)
  const mean = meanOf(known)
  const isComplete = known.length === values.length
  return { meets: isComplete && reach.meets(decisive(by, { known, worst, mean }, reach)), mean, worst }
}

/** `ttftUs.p99 ≤ 1000000` */
export function goalText({ path, atLeast, atMost }: GoalSpec): string {
  return atLeast === undefined ? `${path} ≤ ${atMost}` : `${path} ≥ ${atLeast}`
}

/** Which side of its number a goal is on. */
interface Reach {
  readonly meets: (value: number | undefined) => boolean
  readonly worstOf: (values: readonly number[]) => number
  readonly isUp: boolean
}

function reachOf({ atLeast, atMost = Infinity }: GoalSpec): Reach {
  if (atLeast === undefined)
    return {
      meets: (value) => value !== undefined && value <= atMost,
      worstOf: (values) => Math.max(...values),
      isUp: false,
    }
  return {
    meets: (value) => value !== undefined && value >= atLeast,
    worstOf: (values) => Math.min(...values),
    isUp: true,
  }
}

/** The mean of the repetitions of the worst of what the path names; null when a repetition has nothing there. */
function seedValue(goal: GoalSpec, repetitions: readonly Summary[]): number | null {
  const numbers = numbersOf(goal.path)
  const { worstOf } = reachOf(goal)
  const values = repetitions.map((summary) => numbers(summary))
  return values.some((found) => found.length === 0) ? null : meanOf(values.map(worstOf))
}

/** Undefined when there are too few seeds for an interval. */
function decisive(
  by: SearchSpec['by'],
  {
    known,
    worst,
    mean,
  }: { readonly known: readonly number[]; readonly worst: number; readonly mean: number },
  { isUp }: Reach,
): number | undefined {
  if (by === 'every-seed') return worst
  if (by === 'mean') return mean
  const interval = meanInterval(known)
  return isUp ? interval?.low : interval?.high
}
